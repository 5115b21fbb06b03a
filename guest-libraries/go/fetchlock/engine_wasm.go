package fetchlock

import (
	"fetchlock/internal/bindings/fetchlock_handler_engine"
	witTypes "fetchlock/internal/wit/types"
)

func (session) startProcess(start ProcessStart, variables []Variable) (Started, error) {
	wanted := fetchlock_handler_engine.ProcessStart{
		Key:           start.Key,
		TenantId:      given(start.TenantID),
		BusinessKey:   given(start.BusinessKey),
		Variables:     sending(variables),
		UnlessRunning: start.UnlessRunning,
	}
	type answer = witTypes.Result[fetchlock_handler_engine.Started, fetchlock_handler_engine.StartError]
	made := calling(func() answer { return fetchlock_handler_engine.StartProcess(wanted) })
	if made.IsOk() {
		started := made.Ok()
		if started.Tag() == fetchlock_handler_engine.StartedRunning {
			return Started{ID: started.Running(), AlreadyRunning: true}, nil
		}
		return Started{ID: started.New()}, nil
	}
	failed := &CallError{Call: "start process `" + start.Key + "`"}
	switch err := made.Err(); err.Tag() {
	case fetchlock_handler_engine.StartErrorDenied:
		failed.Reason, failed.Text = ErrDenied, err.Denied()
	case fetchlock_handler_engine.StartErrorInvalid:
		failed.Reason, failed.Text = ErrInvalid, err.Invalid()
	case fetchlock_handler_engine.StartErrorNoSuchProcess:
		failed.Reason, failed.Text = ErrNoSuchProcess, err.NoSuchProcess()
	case fetchlock_handler_engine.StartErrorRejected:
		failed.Reason, failed.Text = ErrRejected, err.Rejected()
	case fetchlock_handler_engine.StartErrorUnavailable:
		failed.Reason, failed.Text = ErrUnavailable, err.Unavailable()
	default:
		failed.Reason, failed.Text = ErrUnanswered, err.Unanswered()
	}
	return Started{}, failed
}

func (session) correlateMessage(message readyMessage) ([]Receiver, error) {
	type answer = witTypes.Result[[]fetchlock_handler_engine.Receiver, fetchlock_handler_engine.CorrelateError]
	wanted := fetchlock_handler_engine.Message{
		Name:                 message.Name,
		BusinessKey:          given(message.BusinessKey),
		ProcessInstanceId:    given(message.ProcessInstanceID),
		CorrelationKeys:      sending(message.keys),
		LocalCorrelationKeys: sending(message.localKeys),
		Tenant:               messageTenant(message.Tenant),
		Variables:            sending(message.variables),
		LocalVariables:       sending(message.local),
		Receivers:            fetchlock_handler_engine.ReceiversOne,
	}
	if message.All {
		wanted.Receivers = fetchlock_handler_engine.ReceiversAll
	}
	made := calling(func() answer { return fetchlock_handler_engine.CorrelateMessage(wanted) })
	if made.IsErr() {
		return nil, correlateError(message.Name, made.Err())
	}
	receivers := make([]Receiver, 0, len(made.Ok()))
	for _, receiver := range made.Ok() {
		if receiver.Tag() == fetchlock_handler_engine.ReceiverStarted {
			receivers = append(receivers, Receiver{ID: receiver.Started(), Started: true})
		} else {
			receivers = append(receivers, Receiver{ID: receiver.Waiting()})
		}
	}
	return receivers, nil
}

func messageTenant(tenant MessageTenant) fetchlock_handler_engine.MessageTenant {
	switch {
	case tenant.without:
		return fetchlock_handler_engine.MakeMessageTenantWithout()
	case tenant.id != "":
		return fetchlock_handler_engine.MakeMessageTenantId(tenant.id)
	default:
		return fetchlock_handler_engine.MakeMessageTenantAny()
	}
}

func correlateError(name string, err fetchlock_handler_engine.CorrelateError) error {
	failed := &CallError{Call: "correlate message `" + name + "`"}
	switch err.Tag() {
	case fetchlock_handler_engine.CorrelateErrorDenied:
		failed.Reason, failed.Text = ErrDenied, err.Denied()
	case fetchlock_handler_engine.CorrelateErrorInvalid:
		failed.Reason, failed.Text = ErrInvalid, err.Invalid()
	case fetchlock_handler_engine.CorrelateErrorNoMatch:
		failed.Reason, failed.Text = ErrNoMatch, err.NoMatch()
	case fetchlock_handler_engine.CorrelateErrorAmbiguous:
		failed.Reason, failed.Text = ErrAmbiguous, err.Ambiguous()
	case fetchlock_handler_engine.CorrelateErrorRejected:
		failed.Reason, failed.Text = ErrRejected, err.Rejected()
	case fetchlock_handler_engine.CorrelateErrorUnavailable:
		failed.Reason, failed.Text = ErrUnavailable, err.Unavailable()
	default:
		failed.Reason, failed.Text = ErrUnanswered, err.Unanswered()
	}
	return failed
}
