package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// What is read of the JSON that `fetchlock test --json` prints.
type report struct {
	// What is wrong beside the cases: a component that does not load, cases of no plugin.
	Problems []string `json:"problems"`
	Cases    []struct {
		Name     string   `json:"name"`
		Passed   bool     `json:"passed"`
		Problems []string `json:"problems"`
		Diff     string   `json:"diff"`
	} `json:"cases"`
}

// Builds the component and runs the cases in plugin/, in the sandbox of production; each is a test of its own here. Go
// does not see what that reads: with -count=1 it runs each time.
func TestTheCasesOfThePlugin(t *testing.T) {
	command := exec.Command(program(t), "test", ".", "--json")
	// What the compiler says stands there.
	command.Stderr = os.Stderr
	// A case that fails is an error too; the report says more.
	output, err := command.Output()
	var found report
	if json.Unmarshal(output, &found) != nil {
		t.Fatalf("fetchlock test: %v", err)
	}
	for _, problem := range found.Problems {
		t.Error(problem)
	}
	if len(found.Cases) == 0 {
		t.Fatal("fetchlock test ran no case")
	}
	for _, one := range found.Cases {
		t.Run(one.Name, func(t *testing.T) {
			if !one.Passed {
				t.Errorf("%s\n%s", strings.Join(one.Problems, "\n"), one.Diff)
			}
		})
	}
}

// The program that the variable FETCHLOCK names, or else the one on the PATH. Without one the test is skipped, but fails
// in continuous integration, where nobody would see that.
func program(t *testing.T) string {
	if named := os.Getenv("FETCHLOCK"); named != "" {
		return named
	}
	found, err := exec.LookPath("fetchlock")
	if err != nil {
		const missing = "the cases in plugin/ are not run: put fetchlock on the PATH, or its path into the variable FETCHLOCK"
		if inCI() {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	return found
}

func inCI() bool {
	value := os.Getenv("CI")
	return value != "" && value != "0" && value != "false"
}
