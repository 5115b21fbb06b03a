package fetchlock

import "time"

// Task is the task that a handler is called for.
type Task struct {
	// ID is the task's id.
	ID string
	// Topic is the topic it was fetched from.
	Topic string
	// BusinessKey is the business key of its process instance; empty if it has none.
	BusinessKey string
	// ActivityID is the id of the BPMN activity (the service task in the model).
	ActivityID string
	// ActivityInstanceID is the id of this run of the activity.
	ActivityInstanceID string
	// ExecutionID is the id of the execution that the task belongs to.
	ExecutionID string
	// ProcessInstanceID is the id of the process instance.
	ProcessInstanceID string
	// ProcessDefinitionID is the id of the process definition.
	ProcessDefinitionID string
	// ProcessDefinitionKey is the key of the process definition (the process's id in the model).
	ProcessDefinitionKey string
	// ProcessDefinitionVersionTag is the version tag of the process definition; empty if it has none.
	ProcessDefinitionVersionTag string
	// TenantID is the tenant; empty if there is none.
	TenantID string
	// Retries are the retries left; nil until a first failure was reported.
	Retries *uint32
	// Priority is 0 unless the model or somebody says otherwise.
	Priority int64
	// CreateTime is when the task was made; zero if the engine does not tell.
	CreateTime time.Time
	// ExtensionProperties are those of the activity in the model.
	ExtensionProperties map[string]string
	// WorkerID is the id under which the host holds the lock. Whoever completes the task after [HandOff] needs it.
	WorkerID string
	// ErrorMessage is the message of the failure before this try; empty if there was none.
	ErrorMessage string
	// ErrorDetails are the details of the failure before this try; empty if there were none.
	ErrorDetails string

	session session
}

// Variable returns a variable of the task as the engine sent it. There is none if the task has no such variable or the
// manifest does not fetch it.
func (t *Task) Variable(name string) (value Value, ok bool) {
	value = t.session.variables([]string{name})[0]
	return value, value != nil
}

// VariableNames returns the names of all fetched variables, sorted.
func (t *Task) VariableNames() []string { return t.session.variableNames() }

// Variables returns all fetched variables.
func (t *Task) Variables() Variables {
	names := t.session.variableNames()
	all := make(Variables, len(names))
	for i, value := range t.session.variables(names) {
		if value != nil {
			all[names[i]] = value
		}
	}
	return all
}

// Load returns the content of a file (or bytes) variable. A file is loaded from the engine at the first call. It errs
// with [ErrNoSuchVariable], [ErrNotAFile], [ErrTooLarge] or [ErrUnavailable].
func (t *Task) Load(name string) ([]byte, error) { return t.session.load(name) }

// Config returns a setting of the plugin's manifest, or a secret that is granted to it.
func (t *Task) Config(key string) (setting string, ok bool) { return t.session.config(key) }

// ConfigKeys returns the names of all settings, sorted.
func (t *Task) ConfigKeys() []string { return t.session.configKeys() }

// ExtendLock makes the task's lock last for the duration from now. It is rarely needed: the host extends the lock of a
// running handler by itself. It errs with [ErrLockLost], [ErrInvalid] or [ErrUnavailable].
func (t *Task) ExtendLock(duration time.Duration) error {
	return t.session.extendLock(duration)
}

// SetProgress sets variables of the process instance at once, for others to watch, while the handler goes on. Variables
// that belong to the outcome are returned instead. It errs with [ErrInvalid], [ErrGone] or [ErrUnavailable].
func (t *Task) SetProgress(variables any) error { return t.setProgress(variables, false) }

// SetLocalProgress is [Task.SetProgress] for the task's own scope.
func (t *Task) SetLocalProgress(variables any) error { return t.setProgress(variables, true) }

func (t *Task) setProgress(variables any, local bool) error {
	process, own, err := variablesOf(variables)
	if err != nil {
		return err
	}
	if local {
		return t.session.setProgress(append(process, own...), true)
	}
	if len(process) > 0 || len(own) == 0 {
		if err := t.session.setProgress(process, false); err != nil {
			return err
		}
	}
	if len(own) > 0 {
		return t.session.setProgress(own, true)
	}
	return nil
}
