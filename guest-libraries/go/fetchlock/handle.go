package fetchlock

import (
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"
)

// Handle makes a function the handler of the plugin. Call it in an init function of package main, once; main itself is
// never called. The input and the output are what the package's introduction says; what cannot be one panics here.
func Handle[In, Out any](handler func(task *Task, input In) (Out, error)) {
	err := errors.Join(checkInput(reflect.TypeFor[In]()), checkOutput(reflect.TypeFor[Out]()))
	if err != nil {
		panic("fetchlock.Handle: " + err.Error())
	}
	register(func(task *Task) error { return Run(task, handler) })
}

// Run runs a handler for a task and decides what it decides. [Handle] does this for each task, and fetchlocktest in
// tests; nobody else needs it. The error says why nothing could be decided.
func Run[In, Out any](task *Task, handler func(task *Task, input In) (Out, error)) error {
	var input In
	asked, err := ask(task.session, reflect.TypeFor[In]())
	var send func(session) error
	userCode(func() {
		var output Out
		if err == nil {
			err = asked.decode(reflect.ValueOf(&input).Elem())
		}
		if err == nil {
			output, err = guarded(task, input, handler)
		}
		send = decision(output, err)
	})
	if err := send(task.session); err != nil && !errors.Is(err, ErrAlreadyDecided) {
		return err
	}
	return nil
}

// Calls the handler; a panic becomes a failure with its stack.
func guarded[In, Out any](task *Task, input In, handler func(*Task, In) (Out, error)) (output Out, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = &Failure{Message: fmt.Sprintf("panic: %v", panicked), Details: stack()}
		}
	}()
	return handler(task, input)
}

// The stack of a panic, from where it happened.
func stack() string {
	lines := strings.Split(strings.TrimSpace(string(debug.Stack())), "\n")
	for i, line := range lines {
		// Two lines a call; the panic itself is the last of those that are not the handler's.
		if strings.HasPrefix(line, "panic(") && i+2 < len(lines) {
			return strings.Join(lines[i+2:], "\n")
		}
	}
	return strings.Join(lines, "\n")
}

// Makes of what a handler returned what is to be sent.
func decision(output any, err error) func(session) error {
	if err == nil {
		var send func(session) error
		if send, err = completion(output); err == nil {
			return send
		}
	}
	var as decisive
	if !errors.As(err, &as) {
		return failing(&Failure{Message: err.Error(), Details: chain(err)})
	}
	if business, ok := as.(*BpmnError); ok {
		variables, encoding := allVariablesOf(business.Variables)
		if encoding != nil {
			return failing(&Failure{Message: fmt.Sprintf("%s: %s", err, encoding)})
		}
		return func(session session) error {
			return session.bpmnError(business.Code, business.Message, variables)
		}
	}
	failure := *as.(*Failure)
	if failure.Details == "" && failure.Err != nil {
		failure.Details = chain(err)
	}
	if wrapped := err != error(as); wrapped || failure.Message == "" {
		failure.Message = err.Error()
	}
	return failing(&failure)
}

func completion(output any) (func(session) error, error) {
	outcome, ok := output.(Outcome)
	if pointer, isPointer := output.(*Outcome); isPointer && pointer != nil {
		outcome, ok = *pointer, true
	}
	if !ok {
		outcome = Complete(output)
	}
	switch outcome.kind {
	case outcomeUnlock:
		return func(session session) error { return session.unlock(outcome.duration) }, nil
	case outcomeHandOff:
		return func(session session) error { return session.handOff(outcome.duration) }, nil
	}
	process, local, err := variablesOf(outcome.variables)
	if err != nil {
		return nil, err
	}
	more, err := allVariablesOf(outcome.local)
	if err != nil {
		return nil, err
	}
	local = append(local, more...)
	return func(session session) error { return session.complete(process, local) }, nil
}

func failing(failure *Failure) func(session) error {
	variables, err := allVariablesOf(failure.Variables)
	local, localErr := allVariablesOf(failure.LocalVariables)
	message := failure.Message
	if err := errors.Join(err, localErr); err != nil {
		// The failure itself matters more than what was to go with it.
		message += " (" + strings.ReplaceAll(err.Error(), "\n", "; ") + ")"
		variables, local = nil, nil
	}
	return func(session session) error {
		return session.fail(message, failure.Details, failure.Retry, variables, local)
	}
}
