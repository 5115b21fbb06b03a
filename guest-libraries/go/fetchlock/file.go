package fetchlock

// File is a file variable: one that a handler makes, with [NewFile], or one that the task has. The content of the
// latter stays in the engine until [File.Load] is called, and is not loaded at all when the file is only passed on.
type File struct {
	// Name is the file's name; never empty.
	Name string
	// MIMEType is its MIME type, such as application/pdf; empty if unknown.
	MIMEType string
	// Encoding is its character encoding, such as UTF-8; empty if unknown.
	Encoding string

	content []byte
	// The task's variable where the content lies, if it is not here.
	stored  string
	session session
}

// NewFile makes a file.
func NewFile(name string, content []byte) File {
	return File{Name: name, content: content}
}

// Load returns the content. It errs as [Task.Load] does.
func (f File) Load() ([]byte, error) {
	if f.stored == "" {
		return f.content, nil
	}
	return f.session.load(f.stored)
}

// Stored returns the name of the task's variable that holds the content; empty if the content is in the file itself.
func (f File) Stored() string { return f.stored }

// StoredFile is a file whose content lies in the task's variable of that name. Unlike one that the task has, it cannot be
// loaded here: use [Task.Load].
func StoredFile(name, variable string) File {
	return File{Name: name, stored: variable}
}
