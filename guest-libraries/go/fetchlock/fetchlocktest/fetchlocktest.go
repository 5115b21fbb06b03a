//go:build !wasm

// Package fetchlocktest runs handlers in unit tests, on the author's machine and without a component:
//
//	func TestASmallAmountIsApproved(t *testing.T) {
//		result := fetchlocktest.Run(t, approve, fetchlocktest.Given{
//			Variables: map[string]any{"amount": 42.0, "customer": "Ada"},
//		})
//		result.Completed(t, map[string]any{"approved": true})
//	}
//
// It is a host in memory: it answers what [Given] says, and remembers what the handler did as a [Result]. What the real
// host checks (grants, limits, codes of BPMN errors) it does not; `fetchlock test` does, with the built component.
package fetchlocktest

import (
	"log/slog"
	"reflect"
	"testing"
	"time"

	"fetchlock"
)

// Given is what a handler finds.
type Given struct {
	// Task has the facts of the task.
	Task fetchlock.Task
	// Variables are those of the task: what an output of a handler may be, so Go values or values of package fetchlock.
	Variables any
	// Config has the settings and secrets.
	Config map[string]string
	// LoadError, if given, is why the content of this file cannot be loaded.
	LoadError func(name string) error
	// ExtendLock answers calls of this name; without it they succeed.
	ExtendLock func(duration time.Duration) error
	// SetProgress answers calls of this name; without it they succeed.
	SetProgress func(variables fetchlock.Variables, local bool) error
	// StartProcess answers calls of this name; without it they are denied. Variables in what it gets are
	// fetchlock.Variables.
	StartProcess func(fetchlock.ProcessStart) (fetchlock.Started, error)
	// CorrelateMessage answers calls of this name, likewise.
	CorrelateMessage func(fetchlock.Message) ([]fetchlock.Receiver, error)
}

// Kind is what a handler decided.
type Kind string

// What a handler may decide.
const (
	Complete  Kind = "complete"
	Failure   Kind = "failure"
	BpmnError Kind = "bpmn-error"
	Unlock    Kind = "unlock"
	HandOff   Kind = "hand-off"
)

// Result is what a handler did.
type Result struct {
	// Kind is what it decided.
	Kind Kind
	// Variables go to the process instance, LocalVariables to the task's own scope.
	Variables, LocalVariables fetchlock.Variables
	// Transient has the names of the variables that are not stored.
	Transient []string
	// Code is that of a BPMN error.
	Code string
	// Message is that of a failure or a BPMN error, Details are those of a failure.
	Message, Details string
	// Retry is what happens after a failure.
	Retry fetchlock.Retry
	// Duration is the delay of an unlock, or how long a hand-off holds.
	Duration time.Duration
	// Log has the lines that were logged.
	Log []Line
	// Progress has what was set while the handler ran.
	Progress []Progress
	// LockExtensions are the durations that the lock was extended by.
	LockExtensions []time.Duration
	// Starts are the processes that were to be started, Messages the messages to be correlated.
	Starts   []fetchlock.ProcessStart
	Messages []fetchlock.Message
}

// Line is a line of the log.
type Line struct {
	Level   slog.Level
	Message string
	Fields  map[string]string
}

// Progress is variables that were set while the handler ran.
type Progress struct {
	Variables fetchlock.Variables
	Local     bool
}

// Run runs a handler and returns what it did.
func Run[In, Out any](t testing.TB, handler func(*fetchlock.Task, In) (Out, error), given Given) *Result {
	t.Helper()
	variables, err := valuesOf(given.Variables)
	if err != nil {
		t.Fatalf("the variables given: %s", err)
	}
	host := &host{given: given, variables: variables}
	if err := fetchlock.Run(fetchlock.NewTask(given.Task, host), handler); err != nil {
		t.Fatalf("the handler decided nothing: %s", err)
	}
	return &host.result
}

// Completed fails the test unless the task is completed with exactly these variables for the process instance: what an
// output of a handler may be, or nil.
func (r *Result) Completed(t testing.TB, variables any) {
	t.Helper()
	if !r.is(t, Complete) {
		return
	}
	expected, err := valuesOf(variables)
	if err != nil {
		t.Fatalf("the variables expected: %s", err)
	}
	for name, value := range expected {
		found, ok := r.Variables[name]
		switch {
		case !ok:
			t.Errorf("variable `%s`: expected %s, but it is not set", name, show(value))
		case !same(value, found):
			t.Errorf("variable `%s`: expected %s, found %s", name, show(value), show(found))
		}
	}
	for name, value := range r.Variables {
		if _, ok := expected[name]; !ok {
			t.Errorf("variable `%s`: not expected, found %s", name, show(value))
		}
	}
}

// Failed fails the test unless the task failed with this message.
func (r *Result) Failed(t testing.TB, message string) {
	t.Helper()
	if r.is(t, Failure) && r.Message != message {
		t.Errorf("the message of the failure: expected %q, found %q", message, r.Message)
	}
}

// BpmnError fails the test unless the task ended with a BPMN error of this code.
func (r *Result) BpmnError(t testing.TB, code string) {
	t.Helper()
	if r.is(t, BpmnError) && r.Code != code {
		t.Errorf("the code of the BPMN error: expected %q, found %q", code, r.Code)
	}
}

func (r *Result) is(t testing.TB, kind Kind) bool {
	t.Helper()
	if r.Kind == kind {
		return true
	}
	text := string(r.Kind)
	if r.Code != "" {
		text += " " + r.Code
	}
	if r.Message != "" {
		text += ": " + r.Message
	}
	t.Errorf("expected %s, found %s", kind, text)
	return false
}

func same(a, b fetchlock.Value) bool {
	dateA, isDate := a.(fetchlock.Date)
	dateB, isDateToo := b.(fetchlock.Date)
	if isDate && isDateToo {
		_, offsetA := dateA.Zone()
		_, offsetB := dateB.Zone()
		return dateA.Equal(dateB.Time) && offsetA == offsetB
	}
	return reflect.DeepEqual(a, b) || sameJSON(a, b)
}
