//go:build !wasm

package fetchlocktest

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"time"

	"fetchlock"
)

// The host in memory.
type host struct {
	given     Given
	variables fetchlock.Variables
	result    Result
}

func (h *host) Variable(name string) fetchlock.Value { return h.variables[name] }

func (h *host) VariableNames() []string { return slices.Sorted(maps.Keys(h.variables)) }

func (h *host) Load(name string) ([]byte, error) {
	if h.given.LoadError != nil {
		if err := h.given.LoadError(name); err != nil {
			return nil, err
		}
	}
	failed := &fetchlock.CallError{Call: "load `" + name + "`", Reason: fetchlock.ErrNotAFile}
	switch value := h.variables[name].(type) {
	case fetchlock.File:
		return value.Load()
	case fetchlock.Bytes:
		return value, nil
	case nil:
		failed.Reason = fetchlock.ErrNoSuchVariable
	}
	return nil, failed
}

func (h *host) SetProgress(variables []fetchlock.Variable, local bool) error {
	set := h.byName(variables)
	h.result.Progress = append(h.result.Progress, Progress{set, local})
	if h.given.SetProgress != nil {
		return h.given.SetProgress(set, local)
	}
	return nil
}

func (h *host) Complete(variables, local []fetchlock.Variable) error {
	return h.decide(Result{Kind: Complete, Variables: h.byName(variables), LocalVariables: h.byName(local)})
}

func (h *host) Fail(message, details string, retry fetchlock.Retry, variables, local []fetchlock.Variable) error {
	return h.decide(Result{
		Kind: Failure, Message: message, Details: details, Retry: retry,
		Variables: h.byName(variables), LocalVariables: h.byName(local),
	})
}

func (h *host) BpmnError(code, message string, variables []fetchlock.Variable) error {
	return h.decide(Result{Kind: BpmnError, Code: code, Message: message, Variables: h.byName(variables)})
}

func (h *host) Unlock(delay time.Duration) error {
	return h.decide(Result{Kind: Unlock, Duration: delay})
}

func (h *host) HandOff(duration time.Duration) error {
	return h.decide(Result{Kind: HandOff, Duration: duration})
}

func (h *host) decide(decided Result) error {
	r := &h.result
	if r.Kind != "" {
		return &fetchlock.CallError{Call: string(decided.Kind), Reason: fetchlock.ErrAlreadyDecided}
	}
	r.Kind, r.Variables, r.LocalVariables = decided.Kind, decided.Variables, decided.LocalVariables
	r.Code, r.Message, r.Details = decided.Code, decided.Message, decided.Details
	r.Retry, r.Duration = decided.Retry, decided.Duration
	return nil
}

func (h *host) ExtendLock(duration time.Duration) error {
	h.result.LockExtensions = append(h.result.LockExtensions, duration)
	if h.given.ExtendLock != nil {
		return h.given.ExtendLock(duration)
	}
	return nil
}

func (h *host) Log(level slog.Level, message string, fields []fetchlock.Field) {
	line := Line{Level: level, Message: message, Fields: map[string]string{}}
	for _, field := range fields {
		line.Fields[field.Name] = field.Value
	}
	h.result.Log = append(h.result.Log, line)
}

func (h *host) Config(key string) (string, bool) {
	setting, ok := h.given.Config[key]
	return setting, ok
}

func (h *host) ConfigKeys() []string { return slices.Sorted(maps.Keys(h.given.Config)) }

func (h *host) StartProcess(start fetchlock.ProcessStart) (fetchlock.Started, error) {
	h.result.Starts = append(h.result.Starts, start)
	if h.given.StartProcess != nil {
		return h.given.StartProcess(start)
	}
	return fetchlock.Started{}, &fetchlock.CallError{
		Call: "start process `" + start.Key + "`", Reason: fetchlock.ErrDenied, Text: "the test gives no StartProcess",
	}
}

func (h *host) CorrelateMessage(message fetchlock.Message) ([]fetchlock.Receiver, error) {
	h.result.Messages = append(h.result.Messages, message)
	if h.given.CorrelateMessage != nil {
		return h.given.CorrelateMessage(message)
	}
	return nil, &fetchlock.CallError{
		Call: "correlate message `" + message.Name + "`", Reason: fetchlock.ErrDenied, Text: "the test gives no CorrelateMessage",
	}
}

func (h *host) byName(variables []fetchlock.Variable) fetchlock.Variables {
	all := fetchlock.Variables{}
	for _, variable := range variables {
		all[variable.Name] = variable.Value
		if variable.Transient {
			h.result.Transient = append(h.result.Transient, variable.Name)
		}
	}
	return all
}

// What an output of a handler may be, as values by name.
func valuesOf(variables any) (fetchlock.Variables, error) {
	if variables == nil {
		return nil, nil
	}
	all := &host{}
	task := fetchlock.NewTask(fetchlock.Task{}, all)
	if err := task.SetProgress(variables); err != nil {
		return nil, err
	}
	values := fetchlock.Variables{}
	for _, part := range all.result.Progress {
		maps.Copy(values, part.Variables)
	}
	return values, nil
}

// Documents that differ in spaces and order of keys only are the same.
func sameJSON(a, b fetchlock.Value) bool {
	textA, isJSON := a.(fetchlock.JSON)
	textB, isJSONToo := b.(fetchlock.JSON)
	if !isJSON || !isJSONToo {
		return false
	}
	var readA, readB any
	if json.Unmarshal([]byte(textA), &readA) != nil || json.Unmarshal([]byte(textB), &readB) != nil {
		return false
	}
	return reflect.DeepEqual(readA, readB)
}

func show(value fetchlock.Value) string { return fmt.Sprintf("%s %v", value.TypeName(), value) }
