//go:build !wasm

package fetchlock

import (
	"log/slog"
	"time"
)

// Host is what a handler sees of the host, for tests that run on the author's machine: see fetchlocktest, which has one
// in memory. It does not exist in components.
type Host interface {
	// Variable is one variable of the task; nil if there is none.
	Variable(name string) Value
	// VariableNames are the names of all variables, sorted.
	VariableNames() []string
	// Load is the content of a file or bytes variable.
	Load(name string) ([]byte, error)
	// SetProgress sets variables while the handler goes on.
	SetProgress(variables []Variable, local bool) error
	// Complete and the four methods below it decide what becomes of the task.
	Complete(variables, local []Variable) error
	Fail(message, details string, retry Retry, variables, local []Variable) error
	BpmnError(code, message string, variables []Variable) error
	Unlock(delay time.Duration) error
	HandOff(duration time.Duration) error
	// ExtendLock makes the lock last longer.
	ExtendLock(duration time.Duration) error
	// Log writes a line.
	Log(level slog.Level, message string, fields []Field)
	// Config is one setting.
	Config(key string) (string, bool)
	// ConfigKeys are the names of all settings, sorted.
	ConfigKeys() []string
	// StartProcess starts a process instance.
	StartProcess(start ProcessStart) (Started, error)
	// CorrelateMessage sends a message.
	CorrelateMessage(message Message) ([]Receiver, error)
}

// NewTask is a task with the facts of another one, on a host. It does not exist in components.
func NewTask(facts Task, host Host) *Task {
	facts.session = session{host}
	return &facts
}

type session struct{ host Host }

func register(func(*Task) error) {}

func userCode(code func()) { code() }

func (s session) variables(names []string) []Value {
	values := make([]Value, len(names))
	for i, name := range names {
		values[i] = s.host.Variable(name)
		// As the engine does: the content stays where it is.
		if file, ok := values[i].(File); ok {
			values[i] = File{Name: file.Name, MIMEType: file.MIMEType, Encoding: file.Encoding, stored: name, session: s}
		}
	}
	return values
}

func (s session) variableNames() []string          { return s.host.VariableNames() }
func (s session) load(name string) ([]byte, error) { return s.host.Load(name) }
func (s session) config(key string) (string, bool) { return s.host.Config(key) }
func (s session) configKeys() []string             { return s.host.ConfigKeys() }

func (s session) setProgress(variables []Variable, local bool) error {
	return s.host.SetProgress(variables, local)
}

func (s session) extendLock(duration time.Duration) error { return s.host.ExtendLock(duration) }

func (s session) log(level slog.Level, message string, fields []Field) {
	s.host.Log(level, message, fields)
}

func (s session) complete(variables, local []Variable) error {
	return s.host.Complete(variables, local)
}

func (s session) fail(message, details string, retry Retry, variables, local []Variable) error {
	return s.host.Fail(message, details, retry, variables, local)
}

func (s session) bpmnError(code, message string, variables []Variable) error {
	return s.host.BpmnError(code, message, variables)
}

func (s session) unlock(delay time.Duration) error     { return s.host.Unlock(delay) }
func (s session) handOff(duration time.Duration) error { return s.host.HandOff(duration) }

func (s session) startProcess(start ProcessStart, variables []Variable) (Started, error) {
	start.Variables = byName(variables)
	return s.host.StartProcess(start)
}

func (s session) correlateMessage(message readyMessage) ([]Receiver, error) {
	plain := message.Message
	plain.CorrelationKeys, plain.LocalCorrelationKeys = byName(message.keys), byName(message.localKeys)
	plain.Variables, plain.LocalVariables = byName(message.variables), byName(message.local)
	return s.host.CorrelateMessage(plain)
}

func byName(variables []Variable) Variables {
	all := make(Variables, len(variables))
	for _, variable := range variables {
		all[variable.Name] = variable.Value
	}
	return all
}
