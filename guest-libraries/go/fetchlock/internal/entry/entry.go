//go:build wasm

// Package entry is what the generated export calls.
package entry

import witTypes "fetchlock/internal/wit/types"

// Handler runs for each task. The package fetchlock sets it.
var Handler = func() error { return errNoHandler }

type noHandler struct{}

func (noHandler) Error() string {
	return "the plugin has no handler; call fetchlock.Handle in an init function of package main"
}

var errNoHandler error = noHandler{}

// Handle is the export `handle` of the component.
func Handle() witTypes.Result[witTypes.Unit, string] {
	if err := Handler(); err != nil {
		return witTypes.Err[witTypes.Unit, string](err.Error())
	}
	return witTypes.Ok[witTypes.Unit, string](witTypes.Unit{})
}
