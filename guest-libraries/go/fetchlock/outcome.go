package fetchlock

import "time"

// Outcome is what becomes of the task, for handlers that decide more than its variables. The zero value completes the
// task without variables.
type Outcome struct {
	kind             outcomeKind
	variables, local any
	duration         time.Duration
}

type outcomeKind uint8

const (
	outcomeComplete outcomeKind = iota
	outcomeUnlock
	outcomeHandOff
)

// Complete completes the task. The variables are whatever an output may be, or nil.
func Complete(variables any) Outcome { return Outcome{variables: variables} }

// WithLocal adds variables for the task's own scope, where output mappings see them.
func (o Outcome) WithLocal(variables any) Outcome {
	o.local = variables
	return o
}

// Unlock gives the task back, for any worker to fetch no sooner than after the delay.
func Unlock(delay time.Duration) Outcome { return Outcome{kind: outcomeUnlock, duration: delay} }

// HandOff leaves the task locked under its worker id (see [Task]) for the duration, for somebody else to complete.
func HandOff(duration time.Duration) Outcome {
	return Outcome{kind: outcomeHandOff, duration: duration}
}
