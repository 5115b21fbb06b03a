package http_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	fetchhttp "fetchlock/http"
)

func TestOutsideOfComponentsItIsTheUsualTransport(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "1.2") }))
	defer server.Close()
	client := http.Client{Transport: fetchhttp.Transport{}}
	response, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "1.2" {
		t.Errorf("found %q, %v", body, err)
	}
}

func TestARefusalAndATimeoutAreFoundInWhatAClientReturns(t *testing.T) {
	var err error = &url.Error{Op: "Get", URL: "https://a", Err: &fetchhttp.Error{Code: "HTTP-request-denied"}}
	if !errors.Is(err, fetchhttp.ErrDenied) {
		t.Errorf("%v is not ErrDenied", err)
	}
	err = &url.Error{Op: "Get", URL: "https://a", Err: &fetchhttp.Error{Code: "connection-timeout", Text: "10s"}}
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() || errors.Is(err, fetchhttp.ErrDenied) {
		t.Errorf("%v is no timeout", err)
	}
	if text := err.Error(); text != `Get "https://a": HTTP: connection-timeout: 10s` {
		t.Errorf("found %q", text)
	}
}
