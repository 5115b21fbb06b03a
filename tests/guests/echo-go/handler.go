// Passes all variables on unchanged, under names that begin with `echo_`: for the test that each type crosses in both
// directions. The content of files crosses too.
package main

import "fetchlock"

func init() { fetchlock.Handle(echo) }

func main() {}

func echo(_ *fetchlock.Task, given fetchlock.Variables) (fetchlock.Variables, error) {
	passed := fetchlock.Variables{}
	for name, value := range given {
		if file, ok := value.(fetchlock.File); ok {
			var err error
			if value, err = copied(file); err != nil {
				return nil, err
			}
		}
		passed["echo_"+name] = value
	}
	return passed, nil
}

// The same file, with its content loaded here.
func copied(file fetchlock.File) (fetchlock.File, error) {
	content, err := file.Load()
	if err != nil {
		return file, err
	}
	copied := fetchlock.NewFile(file.Name, content)
	copied.MIMEType, copied.Encoding = file.MIMEType, file.Encoding
	return copied, nil
}
