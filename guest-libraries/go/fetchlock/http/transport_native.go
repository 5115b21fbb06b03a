//go:build !wasm

package http

import "net/http"

// Transport is an http.RoundTripper that goes through the host; outside of components it is http.DefaultTransport.
type Transport struct{}

// RoundTrip makes one exchange.
func (Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	return http.DefaultTransport.RoundTrip(request)
}
