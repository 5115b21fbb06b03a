package fetchlock

// ProcessStart is a process instance to start.
type ProcessStart struct {
	// Key is the key of the process (its id in the model). The latest version is started.
	Key string
	// TenantID is the tenant whose process it is; empty for the process without a tenant.
	TenantID string
	// BusinessKey is the business key of the new instance; empty for none.
	BusinessKey string
	// Variables of the new instance; whatever an output may be.
	Variables any
	// UnlessRunning starts it only if no instance of this process runs that has the business key.
	UnlessRunning bool
}

// Started is what became of a start.
type Started struct {
	// ID is the id of the instance.
	ID string
	// AlreadyRunning says that nothing was started, for this instance runs and has the business key.
	AlreadyRunning bool
}

// StartProcess starts a process instance, at once and whatever becomes of the task: a handler that runs again starts
// again, so give the instance a business key that follows from the task, and ask for UnlessRunning. The manifest must
// request it (`start-process`) and the operator grant it. It errs with [ErrDenied], [ErrInvalid], [ErrNoSuchProcess],
// [ErrRejected], [ErrUnavailable] or [ErrUnanswered].
func (t *Task) StartProcess(start ProcessStart) (Started, error) {
	variables, err := allVariablesOf(start.Variables)
	if err != nil {
		return Started{}, err
	}
	return t.session.startProcess(start, variables)
}

// MessageTenant is the tenant of those who may receive a message. The zero value is [AnyTenant].
type MessageTenant struct {
	without bool
	id      string
}

var (
	// AnyTenant is any tenant, or none.
	AnyTenant = MessageTenant{}
	// WithoutTenant is what belongs to no tenant.
	WithoutTenant = MessageTenant{without: true}
)

// OfTenant is this tenant.
func OfTenant(id string) MessageTenant { return MessageTenant{id: id} }

// Message is a message to send. Every criterion that is given must hold for who receives it.
type Message struct {
	// Name is its name in the model.
	Name string
	// BusinessKey is that of the instance; empty for any. A process that the message starts gets it.
	BusinessKey string
	// ProcessInstanceID is the id of the instance; empty for any.
	ProcessInstanceID string
	// CorrelationKeys are variables that the instance has with these values; whatever an output may be.
	CorrelationKeys any
	// LocalCorrelationKeys are variables that the waiting execution has in its own scope with these values.
	LocalCorrelationKeys any
	// Tenant is the tenant of those who may receive it.
	Tenant MessageTenant
	// Variables go to the instance, LocalVariables to the scope of the execution that waited; whatever an output may be.
	Variables, LocalVariables any
	// All that fit receive it, be it nobody. Otherwise exactly one does, or nothing happens.
	All bool
}

// Receiver is who received a message.
type Receiver struct {
	// ID is the id of the instance.
	ID string
	// Started says that the message started it.
	Started bool
}

// CorrelateMessage sends a message to who waits for it, or starts the process that starts with it; at once and whatever
// becomes of the task. The manifest must request it (`correlate-message`) and the operator grant it. It errs with
// [ErrDenied], [ErrInvalid], [ErrNoMatch], [ErrAmbiguous], [ErrRejected], [ErrUnavailable] or [ErrUnanswered].
func (t *Task) CorrelateMessage(message Message) ([]Receiver, error) {
	ready := readyMessage{Message: message}
	for _, part := range []struct {
		of   any
		into *[]Variable
	}{
		{message.CorrelationKeys, &ready.keys},
		{message.LocalCorrelationKeys, &ready.localKeys},
		{message.Variables, &ready.variables},
		{message.LocalVariables, &ready.local},
	} {
		variables, err := allVariablesOf(part.of)
		if err != nil {
			return nil, err
		}
		*part.into = variables
	}
	return t.session.correlateMessage(ready)
}

// A message whose variables are ready to be sent.
type readyMessage struct {
	Message
	keys, localKeys, variables, local []Variable
}
