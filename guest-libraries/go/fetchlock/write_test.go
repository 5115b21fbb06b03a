//go:build !wasm

package fetchlock_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"fetchlock"
	"fetchlock/fetchlocktest"
)

// Runs a handler that reads nothing and returns this.
func returning[Out any](t *testing.T, output Out, err error) *fetchlocktest.Result {
	t.Helper()
	return fetchlocktest.Run(t, func(*fetchlock.Task, fetchlock.None) (Out, error) { return output, err }, fetchlocktest.Given{})
}

func TestEveryGoTypeIsWrittenAsItsEngineType(t *testing.T) {
	moment := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", -90*60))
	type status string
	count := 3
	result := returning(t, map[string]any{
		"nil": nil, "bool": true, "int8": int8(1), "int16": int16(2), "int32": int32(3), "int": 4, "int64": int64(5),
		"uint8": uint8(6), "uint16": uint16(7), "uint32": uint32(8), "uint": uint(9), "float": 0.5, "string": "x",
		"named": status("ok"), "time": moment, "bytes": []byte{1}, "list": []int{1, 2}, "map": map[string]int{"a": 1},
		"struct": order{ID: "o"}, "pointer": &count, "nilPointer": (*int)(nil), "raw": json.RawMessage(`{ }`),
		"number": json.Number("12"), "text": netip.MustParseAddr("::1"), "wrapped": fetchlock.Integer(10),
		"xml": fetchlock.XML("<a/>"),
	}, nil)
	expected := fetchlock.Variables{
		"nil": fetchlock.Null{}, "bool": fetchlock.Boolean(true), "int8": fetchlock.Short(1), "int16": fetchlock.Short(2),
		"int32": fetchlock.Integer(3), "int": fetchlock.Long(4), "int64": fetchlock.Long(5), "uint8": fetchlock.Short(6),
		"uint16": fetchlock.Integer(7), "uint32": fetchlock.Long(8), "uint": fetchlock.Long(9),
		"float": fetchlock.Double(0.5), "string": fetchlock.String("x"), "named": fetchlock.String("ok"),
		"time": fetchlock.Date{Time: moment}, "bytes": fetchlock.Bytes{1}, "list": fetchlock.JSON("[1,2]"),
		"map": fetchlock.JSON(`{"a":1}`), "struct": fetchlock.JSON(`{"id":"o","lines":null}`),
		"pointer": fetchlock.Long(3), "nilPointer": fetchlock.Null{}, "raw": fetchlock.JSON("{ }"),
		"number": fetchlock.Long(12), "text": fetchlock.String("::1"), "wrapped": fetchlock.Integer(10),
		"xml": fetchlock.XML("<a/>"),
	}
	for name, value := range expected {
		if !reflect.DeepEqual(result.Variables[name], value) {
			t.Errorf("%s: expected %#v, found %#v", name, value, result.Variables[name])
		}
	}
}

func TestTagsOfTheOutputSayWhereAVariableGoes(t *testing.T) {
	type output struct {
		Plain   string `fetchlock:"plain"`
		Left    string `fetchlock:"left,omitempty"`
		Passing int32  `fetchlock:",transient"`
		Own     bool   `fetchlock:"own,local"`
		Mixed   any
	}
	result := returning(t, &output{Plain: "p", Passing: 1, Own: true, Mixed: fetchlock.Transient{Value: "m"}}, nil)
	result.Completed(t, map[string]any{"plain": "p", "passing": fetchlock.Integer(1), "mixed": "m"})
	if !reflect.DeepEqual(result.LocalVariables, fetchlock.Variables{"own": fetchlock.Boolean(true)}) {
		t.Errorf("local: %v", result.LocalVariables)
	}
	if !reflect.DeepEqual(result.Transient, []string{"passing", "mixed"}) {
		t.Errorf("transient: %v", result.Transient)
	}
}

func TestNothingCompletesWithoutVariables(t *testing.T) {
	returning(t, fetchlock.None{}, nil).Completed(t, nil)
	returning(t, (*order)(nil), nil).Completed(t, nil)
	returning[any](t, nil, nil).Completed(t, nil)
	returning(t, fetchlock.Outcome{}, nil).Completed(t, nil)
}

func TestAnOutcomeDecidesOtherwise(t *testing.T) {
	result := returning(t, fetchlock.Complete(map[string]int32{"a": 1}).WithLocal(fetchlock.Variables{"b": fetchlock.Null{}}), nil)
	result.Completed(t, map[string]int32{"a": 1})
	if !reflect.DeepEqual(result.LocalVariables, fetchlock.Variables{"b": fetchlock.Null{}}) {
		t.Errorf("local: %v", result.LocalVariables)
	}
	if result := returning(t, fetchlock.Unlock(time.Minute), nil); result.Kind != fetchlocktest.Unlock || result.Duration != time.Minute {
		t.Errorf("found %+v", result)
	}
	if result := returning(t, fetchlock.HandOff(time.Hour), nil); result.Kind != fetchlocktest.HandOff || result.Duration != time.Hour {
		t.Errorf("found %+v", result)
	}
}

func TestAnErrorIsAFailureWithItsChain(t *testing.T) {
	result := returning(t, fetchlock.None{}, fmt.Errorf("price list: %w", fs.ErrNotExist))
	result.Failed(t, "price list: file does not exist")
	expected := "*fmt.wrapError: price list: file does not exist\n  *errors.errorString: file does not exist"
	if result.Details != expected {
		t.Errorf("the details: %q", result.Details)
	}
	if plain := returning(t, fetchlock.None{}, errors.New("no")); plain.Details != "" {
		t.Errorf("the details: %q", plain.Details)
	}
}

func TestABusinessErrorIsFoundInAChain(t *testing.T) {
	business := &fetchlock.BpmnError{Code: "TOO_MUCH", Message: "more than 1000", Variables: map[string]int32{"limit": 1000}}
	result := returning(t, fetchlock.None{}, fmt.Errorf("checking: %w", business))
	result.BpmnError(t, "TOO_MUCH")
	if result.Message != "more than 1000" || result.Variables["limit"] != fetchlock.Integer(1000) {
		t.Errorf("found %+v", result)
	}
}

func TestAFailureSaysWhatHappensNext(t *testing.T) {
	cause := errors.New("connection refused")
	failure := &fetchlock.Failure{Err: cause, Retry: fetchlock.SystemDown, Variables: fetchlock.Variables{"a": fetchlock.Long(1)}}
	if !errors.Is(failure, cause) {
		t.Error("the cause is not found")
	}
	result := returning(t, fetchlock.None{}, failure)
	result.Failed(t, "connection refused")
	if result.Retry != fetchlock.SystemDown || result.Variables["a"] != fetchlock.Long(1) {
		t.Errorf("found %+v", result)
	}
	exactly := fetchlock.Exactly(2, 5*time.Minute)
	result = returning(t, fetchlock.None{}, &fetchlock.Failure{Message: "m", Details: "d", Err: cause, Retry: exactly})
	result.Failed(t, "m")
	if result.Details != "d" || result.Retry != exactly || result.Retry.String() != "2 left, after 5m0s" {
		t.Errorf("found %+v", result)
	}
	returning(t, fetchlock.None{}, fmt.Errorf("outer: %w", &fetchlock.Failure{Message: "m"})).Failed(t, "outer: m")
}

func TestAPanicIsAFailureWithItsStack(t *testing.T) {
	result := fetchlocktest.Run(t, func(_ *fetchlock.Task, input map[string]any) (fetchlock.None, error) {
		return fetchlock.None{}, input["missing"].(error)
	}, fetchlocktest.Given{})
	if !strings.HasPrefix(result.Message, "panic: interface conversion: ") || !strings.Contains(result.Details, "write_test.go") {
		t.Errorf("found %q with details %q", result.Message, result.Details)
	}
	if strings.Contains(result.Details, "debug.Stack") {
		t.Errorf("the stack begins too late: %q", result.Details)
	}
}

func TestWhatCannotBeWrittenIsAFailureThatNamesAllOfIt(t *testing.T) {
	type output struct {
		Call func()
		Big  uint64
		Fine int
	}
	result := returning(t, output{Call: func() {}, Big: math.MaxUint64}, nil)
	result.Failed(t, "output: variable `call`: a func() cannot be a variable; "+
		"variable `big`: 18446744073709551615 does not fit a Long")
	returning[any](t, 42, nil).Failed(t, "the output must be a struct, a map with string keys, fetchlock.Variables, "+
		"fetchlock.None or fetchlock.Outcome; found int")
}

func TestTheHostIsCalledThroughTheTask(t *testing.T) {
	denied := &fetchlock.CallError{Call: "extend lock", Reason: fetchlock.ErrLockLost}
	result := fetchlocktest.Run(t, func(task *fetchlock.Task, _ fetchlock.None) (fetchlock.None, error) {
		log := task.Log().With("order", 7).WithGroup("step")
		log.Warn("slow", "took", time.Second, slog.Group("at", "line", 3))
		if err := task.SetProgress(map[string]any{"percent": 50}); err != nil {
			t.Error(err)
		}
		if err := task.ExtendLock(time.Minute); !errors.Is(err, fetchlock.ErrLockLost) {
			t.Errorf("found %v", err)
		}
		if _, err := task.Load("none"); !errors.Is(err, fetchlock.ErrNoSuchVariable) {
			t.Errorf("found %v", err)
		}
		started, err := task.StartProcess(fetchlock.ProcessStart{Key: "invoice", Variables: map[string]any{"id": task.ID}})
		if started.ID != "p1" || err != nil {
			t.Errorf("found %+v, %v", started, err)
		}
		_, err = task.CorrelateMessage(fetchlock.Message{Name: "Paid", Tenant: fetchlock.OfTenant("a")})
		if !errors.Is(err, fetchlock.ErrDenied) {
			t.Errorf("found %v", err)
		}
		return fetchlock.None{}, nil
	}, fetchlocktest.Given{
		Task:       fetchlock.Task{ID: "t1"},
		ExtendLock: func(time.Duration) error { return denied },
		StartProcess: func(start fetchlock.ProcessStart) (fetchlock.Started, error) {
			if !reflect.DeepEqual(start.Variables, fetchlock.Variables{"id": fetchlock.String("t1")}) {
				t.Errorf("found %v", start.Variables)
			}
			return fetchlock.Started{ID: "p1"}, nil
		},
	})
	line := fetchlocktest.Line{
		Level: slog.LevelWarn, Message: "slow", Fields: map[string]string{"order": "7", "step.took": "1s", "step.at.line": "3"},
	}
	if !reflect.DeepEqual(result.Log, []fetchlocktest.Line{line}) {
		t.Errorf("found %+v", result.Log)
	}
	if len(result.Progress) != 1 || len(result.LockExtensions) != 1 || len(result.Messages) != 1 {
		t.Errorf("found %+v", result)
	}
}
