package fetchlock

import (
	"context"
	"log/slog"
)

// LevelTrace is for every step, below slog.LevelDebug.
const LevelTrace = slog.LevelDebug - 4

// Log returns the logger of the task. Its lines go to the host's log, which adds topic, task and plugin version. In a
// component it is slog's default too, so that slog.Info and log.Print go the same way.
func (t *Task) Log() *slog.Logger { return slog.New(&logHandler{session: t.session}) }

// Writes slog's records to the host's log.
type logHandler struct {
	session session
	// What stands before the names of fields: the open groups, each with a dot.
	prefix string
	fields []Field
}

// Field is a name and a value of a line of the log.
type Field struct{ Name, Value string }

// Enabled is always true: the host knows which levels it keeps.
func (*logHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle writes one line.
func (h *logHandler) Handle(_ context.Context, record slog.Record) error {
	fields := h.fields[:len(h.fields):len(h.fields)]
	record.Attrs(func(attr slog.Attr) bool {
		fields = appendField(fields, h.prefix, attr)
		return true
	})
	h.session.log(record.Level, record.Message, fields)
	return nil
}

// WithAttrs adds fields to every line.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *h
	more.fields = h.fields[:len(h.fields):len(h.fields)]
	for _, attr := range attrs {
		more.fields = appendField(more.fields, h.prefix, attr)
	}
	return &more
}

// WithGroup puts a name before the names of what follows.
func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	more := *h
	more.prefix += name + "."
	return &more
}

func appendField(fields []Field, prefix string, attr slog.Attr) []Field {
	value := attr.Value.Resolve()
	if value.Kind() != slog.KindGroup {
		if attr.Key == "" {
			return fields
		}
		return append(fields, Field{prefix + attr.Key, value.String()})
	}
	if attr.Key != "" {
		prefix += attr.Key + "."
	}
	for _, inner := range value.Group() {
		fields = appendField(fields, prefix, inner)
	}
	return fields
}
