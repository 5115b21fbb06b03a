package fetchlock

import (
	"log/slog"
	"time"

	"fetchlock/internal/bindings/fetchlock_handler_config"
	"fetchlock/internal/bindings/fetchlock_handler_log"
	"fetchlock/internal/bindings/fetchlock_handler_outcome"
	"fetchlock/internal/bindings/fetchlock_handler_task"
	"fetchlock/internal/bindings/fetchlock_handler_variables"
	// The exports of the component.
	_ "fetchlock/internal/bindings/wit_exports"
	"fetchlock/internal/entry"
	"fetchlock/internal/guard"
	witTypes "fetchlock/internal/wit/types"
)

// What a task has of the host: in a component there is but one task, and one host.
type session struct{}

var isRegistered bool

func register(handler func(*Task) error) {
	if isRegistered {
		panic("fetchlock.Handle: a plugin has one handler; it is called a second time")
	}
	isRegistered = true
	slog.SetDefault(slog.New(&logHandler{}))
	entry.Handler = func() error {
		guard.Task()
		return handler(currentTask())
	}
}

func userCode(code func()) { guard.UserCode(code) }

// What a call of the host returns, with the collector off meanwhile.
func calling[T any](call func() T) (result T) {
	guard.Call(func() { result = call() })
	return result
}

func currentTask() *Task {
	context := calling(fetchlock_handler_task.Get)
	task := &Task{
		ID:                          context.Id,
		Topic:                       context.Topic,
		BusinessKey:                 context.BusinessKey.SomeOr(""),
		ActivityID:                  context.ActivityId,
		ActivityInstanceID:          context.ActivityInstanceId,
		ExecutionID:                 context.ExecutionId,
		ProcessInstanceID:           context.ProcessInstanceId,
		ProcessDefinitionID:         context.ProcessDefinitionId,
		ProcessDefinitionKey:        context.ProcessDefinitionKey,
		ProcessDefinitionVersionTag: context.ProcessDefinitionVersionTag.SomeOr(""),
		TenantID:                    context.TenantId.SomeOr(""),
		Priority:                    context.Priority,
		ExtensionProperties:         make(map[string]string, len(context.ExtensionProperties)),
		WorkerID:                    context.WorkerId,
		ErrorMessage:                context.ErrorMessage.SomeOr(""),
		ErrorDetails:                context.ErrorDetails.SomeOr(""),
	}
	if context.Retries.IsSome() {
		left := context.Retries.Some()
		task.Retries = &left
	}
	if context.CreateTime.IsSome() {
		task.CreateTime = timeOf(context.CreateTime.Some())
	}
	for _, property := range context.ExtensionProperties {
		task.ExtensionProperties[property.F0] = property.F1
	}
	return task
}

func (session) variables(names []string) []Value {
	found := calling(func() []option[witValue] { return fetchlock_handler_variables.GetMany(names) })
	values := make([]Value, len(found))
	for i, value := range found {
		if value.IsSome() {
			values[i] = received(value.Some())
		}
	}
	return values
}

func (session) variableNames() []string { return calling(fetchlock_handler_variables.Names) }

func (session) load(name string) ([]byte, error) {
	loaded := calling(func() witTypes.Result[[]uint8, fetchlock_handler_variables.LoadError] {
		return fetchlock_handler_variables.Load(name)
	})
	if loaded.IsOk() {
		return loaded.Ok(), nil
	}
	failed := &CallError{Call: "load `" + name + "`"}
	switch err := loaded.Err(); err.Tag() {
	case fetchlock_handler_variables.LoadErrorUnknown:
		failed.Reason = ErrNoSuchVariable
	case fetchlock_handler_variables.LoadErrorNotAFile:
		failed.Reason = ErrNotAFile
	case fetchlock_handler_variables.LoadErrorTooLarge:
		failed.Reason = ErrTooLarge
	default:
		failed.Reason, failed.Text = ErrUnavailable, err.Unavailable()
	}
	return nil, failed
}

func (session) setProgress(variables []Variable, local bool) error {
	scope := fetchlock_handler_variables.ScopeProcess
	if local {
		scope = fetchlock_handler_variables.ScopeLocal
	}
	set := calling(func() witTypes.Result[unit, fetchlock_handler_variables.SetError] {
		return fetchlock_handler_variables.SetProgress(sending(variables), scope)
	})
	if set.IsOk() {
		return nil
	}
	failed := &CallError{Call: "set progress"}
	switch err := set.Err(); err.Tag() {
	case fetchlock_handler_variables.SetErrorInvalid:
		failed.Reason, failed.Text = ErrInvalid, err.Invalid()
	case fetchlock_handler_variables.SetErrorGone:
		failed.Reason = ErrGone
	default:
		failed.Reason, failed.Text = ErrUnavailable, err.Unavailable()
	}
	return failed
}

func (session) config(key string) (string, bool) {
	setting := calling(func() option[string] { return fetchlock_handler_config.Get(key) })
	return setting.SomeOr(""), setting.IsSome()
}

func (session) configKeys() []string { return calling(fetchlock_handler_config.Keys) }

func (session) log(level slog.Level, message string, fields []Field) {
	rank := fetchlock_handler_log.LevelError
	switch {
	case level < slog.LevelDebug:
		rank = fetchlock_handler_log.LevelTrace
	case level < slog.LevelInfo:
		rank = fetchlock_handler_log.LevelDebug
	case level < slog.LevelWarn:
		rank = fetchlock_handler_log.LevelInfo
	case level < slog.LevelError:
		rank = fetchlock_handler_log.LevelWarn
	}
	pairs := make([]witTypes.Tuple2[string, string], len(fields))
	for i, field := range fields {
		pairs[i] = witTypes.Tuple2[string, string]{F0: field.Name, F1: field.Value}
	}
	guard.Call(func() { fetchlock_handler_log.Write(rank, message, pairs) })
}

func (session) extendLock(duration time.Duration) error {
	const call = "extend lock"
	wait, err := milliseconds(call, duration)
	if err != nil {
		return err
	}
	extended := calling(func() witTypes.Result[unit, fetchlock_handler_outcome.LockError] {
		return fetchlock_handler_outcome.ExtendLock(wait)
	})
	if extended.IsOk() {
		return nil
	}
	failed := &CallError{Call: call}
	switch err := extended.Err(); err.Tag() {
	case fetchlock_handler_outcome.LockErrorLockLost:
		failed.Reason = ErrLockLost
	case fetchlock_handler_outcome.LockErrorInvalid:
		failed.Reason, failed.Text = ErrInvalid, err.Invalid()
	default:
		failed.Reason, failed.Text = ErrUnavailable, err.Unavailable()
	}
	return failed
}

type decided = witTypes.Result[unit, fetchlock_handler_outcome.DecisionError]

func decide(call string, decide func() decided) error {
	made := calling(decide)
	if made.IsOk() {
		return nil
	}
	failed := &CallError{Call: call}
	switch err := made.Err(); err.Tag() {
	case fetchlock_handler_outcome.DecisionErrorAlreadyDecided:
		failed.Reason = ErrAlreadyDecided
	case fetchlock_handler_outcome.DecisionErrorInvalid:
		failed.Reason, failed.Text = ErrInvalid, err.Invalid()
	default:
		failed.Reason, failed.Text = ErrNotDurable, err.NotDurable()
	}
	return failed
}

func (session) complete(variables, local []Variable) error {
	return decide("complete", func() decided {
		return fetchlock_handler_outcome.Complete(sending(variables), sending(local))
	})
}

func (session) fail(message, details string, retry Retry, variables, local []Variable) error {
	const call = "fail"
	wanted := fetchlock_handler_outcome.MakeRetryPolicy()
	switch retry.kind {
	case retryExactly:
		delay, err := milliseconds(call, retry.delay)
		if err != nil {
			return err
		}
		wanted = fetchlock_handler_outcome.MakeRetryExactly(fetchlock_handler_outcome.Retries{Left: retry.left, Delay: delay})
	case retryNever:
		wanted = fetchlock_handler_outcome.MakeRetryNever()
	case retrySystemDown:
		wanted = fetchlock_handler_outcome.MakeRetrySystemDown()
	}
	return decide(call, func() decided {
		return fetchlock_handler_outcome.Fail(fetchlock_handler_outcome.Failure{
			Message:        message,
			Details:        given(details),
			Retry:          wanted,
			Variables:      sending(variables),
			LocalVariables: sending(local),
		})
	})
}

func (session) bpmnError(code, message string, variables []Variable) error {
	return decide("BPMN error", func() decided {
		return fetchlock_handler_outcome.BpmnError(code, given(message), sending(variables))
	})
}

func (session) unlock(delay time.Duration) error {
	const call = "unlock"
	wait, err := milliseconds(call, delay)
	if err != nil {
		return err
	}
	return decide(call, func() decided { return fetchlock_handler_outcome.Unlock(wait) })
}

func (session) handOff(duration time.Duration) error {
	const call = "hand off"
	wait, err := milliseconds(call, duration)
	if err != nil {
		return err
	}
	return decide(call, func() decided { return fetchlock_handler_outcome.HandOff(wait) })
}
