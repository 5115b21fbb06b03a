// Package http lets handlers call other systems with net/http.
//
// In a component net/http has no network of its own. Importing this package makes it go through the host, which allows
// the requests that the plugin's manifest asks for (`[grants] http`) and the operator grants:
//
//	import (
//		"net/http"
//
//		_ "fetchlock/http"
//	)
//
//	func handle(task *fetchlock.Task, input Input) (Output, error) {
//		response, err := http.Get("https://api.example.com/rates")
//		...
//
// It becomes net/http's default transport; [Transport] is it by name, for a client of one's own. Outside of components,
// in unit tests, it is net/http's own transport, so that net/http/httptest serves as everywhere. Bodies are whole when
// a call returns. A deadline of the request's context bounds connecting and waiting; the host has bounds of its own.
// What the host refuses or cannot do is an [Error].
//
// Importing this package also makes http.Get and the others of http.DefaultClient hand over a 3xx as an answer like any
// other, in unit tests too: what is sent is sent once, and where the answer leads must be granted as well. A client of
// one's own follows redirects, as net/http has it, unless it is told not to; with this package imported as fetchhttp:
//
//	client := http.Client{Timeout: 5 * time.Second, CheckRedirect: fetchhttp.NoRedirects}
//
// net/http makes a component larger by 7 MB, and its first load slower by some seconds.
package http

import (
	"errors"
	"net/http"
)

func init() { http.DefaultClient.CheckRedirect = NoRedirects }

// NoRedirects is an http.Client's CheckRedirect that follows none: a 3xx is the answer, with its body.
func NoRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// ErrDenied says that the request is not granted. [Error] wraps it.
var ErrDenied = errors.New("not granted; the plugin's manifest must ask for it ([grants] http) and the operator's fetchlock.toml allow it")

// Error is why an exchange failed.
type Error struct {
	// Code is the error code of wasi:http, such as connection-refused.
	Code string
	// Text says more; may be empty.
	Text string
}

// Error tells code and text.
func (e *Error) Error() string {
	text := "HTTP: " + e.Code
	if e.Code == codeDenied {
		text += ": " + ErrDenied.Error()
	}
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// Is tells that an exchange that was denied is [ErrDenied].
func (e *Error) Is(target error) bool { return target == ErrDenied && e.Code == codeDenied }

// Timeout tells whether the time was over; with it, os.IsTimeout and net/http's errors tell it too.
func (e *Error) Timeout() bool {
	switch e.Code {
	case "DNS-timeout", "connection-timeout", "connection-read-timeout", "connection-write-timeout", "HTTP-response-timeout":
		return true
	}
	return false
}

const codeDenied = "HTTP-request-denied"
