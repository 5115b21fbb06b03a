package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// What is read of the JSON that `fetchlock test --json` prints.
type report struct {
	Cases []struct {
		Name     string   `json:"name"`
		Passed   bool     `json:"passed"`
		Problems []string `json:"problems"`
		Diff     string   `json:"diff"`
	} `json:"cases"`
}

// Builds the component and runs the cases in plugin/, in the sandbox of production; each is a test of its own here. The
// variable FETCHLOCK may say which fetchlock does it.
func TestTheCasesOfThePlugin(t *testing.T) {
	fetchlock := os.Getenv("FETCHLOCK")
	if fetchlock == "" {
		var err error
		if fetchlock, err = exec.LookPath("fetchlock"); err != nil {
			t.Skip("there is no fetchlock on the PATH")
		}
	}
	command := exec.Command(fetchlock, "test", ".", "--json")
	var said bytes.Buffer
	command.Stderr = &said
	// A case that fails is an error too; the report says more.
	output, err := command.Output()
	var found report
	if json.Unmarshal(output, &found) != nil || len(found.Cases) == 0 {
		t.Fatalf("fetchlock test: %v\n%s", err, said.String())
	}
	for _, one := range found.Cases {
		t.Run(one.Name, func(t *testing.T) {
			if !one.Passed {
				t.Errorf("%s\n%s", strings.Join(one.Problems, "\n"), one.Diff)
			}
		})
	}
}
