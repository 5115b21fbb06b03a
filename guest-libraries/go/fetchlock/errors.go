package fetchlock

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Why a call of the host did not do what was asked. Errors that methods of [Task] and [File] return are [CallError]s
// that wrap one of these, for errors.Is.
var (
	// ErrAlreadyDecided says that the invocation has decided before.
	ErrAlreadyDecided = errors.New("the task is decided already")
	// ErrInvalid says that an argument is not acceptable.
	ErrInvalid = errors.New("invalid")
	// ErrNotDurable says that the host could not keep the decision (its disk is full, say).
	ErrNotDurable = errors.New("could not be made durable")
	// ErrLockLost says that somebody else holds the task now, or that it is gone.
	ErrLockLost = errors.New("the lock is lost")
	// ErrGone says that the process instance is gone.
	ErrGone = errors.New("the process instance is gone")
	// ErrNoSuchVariable says that the task has no variable of the name.
	ErrNoSuchVariable = errors.New("the task has no such variable")
	// ErrNotAFile says that the variable holds neither a file nor bytes.
	ErrNotAFile = errors.New("the variable holds neither a file nor bytes")
	// ErrTooLarge says that the content is larger than the plugin's `payload` limit.
	ErrTooLarge = errors.New("larger than the plugin's `payload` limit")
	// ErrDenied says that a grant is missing.
	ErrDenied = errors.New("not granted")
	// ErrNoSuchProcess says that the engine has no process of the key for the tenant.
	ErrNoSuchProcess = errors.New("no such process")
	// ErrRejected says that the engine refused, in its own words.
	ErrRejected = errors.New("rejected by the engine")
	// ErrNoMatch says that nobody waits for the message and no process starts with it.
	ErrNoMatch = errors.New("nobody waits for it")
	// ErrAmbiguous says that more than one could receive the message.
	ErrAmbiguous = errors.New("more than one could receive it")
	// ErrUnavailable says that the engine could not be asked, so that nothing was done. Worth another try.
	ErrUnavailable = errors.New("the engine is unavailable")
	// ErrUnanswered says that the engine was asked and its answer never came: it may have been done.
	ErrUnanswered = errors.New("the engine did not answer")
)

// CallError is why a call of the host did not do what was asked.
type CallError struct {
	// Call is what was asked, such as `extend lock`.
	Call string
	// Reason is one of the errors of this package, such as [ErrUnavailable].
	Reason error
	// Text is what the host says about it; may be empty.
	Text string
}

// Error tells the call, the reason and the text.
func (e *CallError) Error() string {
	text := e.Call + ": " + e.Reason.Error()
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// Unwrap returns the reason.
func (e *CallError) Unwrap() error { return e.Reason }

// BpmnError is a business error, which a boundary error event of the process catches by its code. The manifest's
// `bpmn-errors` must list the code, for the engine silently ends an execution whose model does not catch it.
type BpmnError struct {
	// Code is the error code of the model.
	Code string
	// Message is what the event gets as the error message.
	Message string
	// Variables go to the process instance; whatever an output may be.
	Variables any
}

// Error tells code and message.
func (e *BpmnError) Error() string {
	if e.Message == "" {
		return "BPMN error " + e.Code
	}
	return "BPMN error " + e.Code + ": " + e.Message
}

// Failure is a technical failure with more to say than an error's text.
type Failure struct {
	// Message is one line for whoever looks at the incident; if empty, the text of Err.
	Message string
	// Details is anything longer that helps to find the cause; if empty, the chain of Err.
	Details string
	// Retry says what happens next; the zero value leaves it to the plugin's retry policy.
	Retry Retry
	// Variables go to the process instance, LocalVariables to the task's own scope; whatever an output may be.
	Variables, LocalVariables any
	// Err is the cause.
	Err error
}

// Error is the message, or the text of the cause.
func (e *Failure) Error() string {
	switch {
	case e.Err == nil && e.Message == "":
		return "the handler failed"
	case e.Err == nil:
		return e.Message
	case e.Message == "":
		return e.Err.Error()
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Failure) Unwrap() error { return e.Err }

// Retry says what happens after a failure. The zero value is [ByPolicy].
type Retry struct {
	kind  retryKind
	left  uint32
	delay time.Duration
}

type retryKind uint8

const (
	retryPolicy retryKind = iota
	retryExactly
	retryNever
	retrySystemDown
)

var (
	// ByPolicy leaves it to the retry policy of the plugin (or the task's extension property `retry`).
	ByPolicy = Retry{}
	// Never makes an incident at once.
	Never = Retry{kind: retryNever}
	// SystemDown says that a system which the handler needs is down. No retry is used up and nothing is reported to the
	// engine; the host pauses the topic, probes, and resumes when a task succeeds.
	SystemDown = Retry{kind: retrySystemDown}
)

// Exactly asks for so many tries from now on, the next one after the delay, whatever the policy says. None left makes
// an incident.
func Exactly(left uint32, delay time.Duration) Retry {
	return Retry{kind: retryExactly, left: left, delay: delay}
}

// String tells what happens, such as `policy` or `2 left, after 5m0s`.
func (r Retry) String() string {
	switch r.kind {
	case retryExactly:
		return fmt.Sprintf("%d left, after %s", r.left, r.delay)
	case retryNever:
		return "never"
	case retrySystemDown:
		return "system down"
	default:
		return "policy"
	}
}

// What an error becomes, whichever of these stands outermost in its chain.
type decisive interface {
	error
	isDecisive()
}

func (e *BpmnError) isDecisive() {}
func (e *Failure) isDecisive()   {}

// The errors of a chain, one a line, if there is more than one.
func chain(err error) string {
	var lines []string
	var walk func(err error, depth int)
	walk = func(err error, depth int) {
		lines = append(lines, fmt.Sprintf("%s%T: %s", strings.Repeat("  ", depth), err, err))
		switch wrapping := err.(type) {
		case interface{ Unwrap() error }:
			if inner := wrapping.Unwrap(); inner != nil {
				walk(inner, depth+1)
			}
		case interface{ Unwrap() []error }:
			for _, inner := range wrapping.Unwrap() {
				walk(inner, depth+1)
			}
		}
	}
	walk(err, 0)
	if len(lines) < 2 {
		return ""
	}
	return strings.Join(lines, "\n")
}
