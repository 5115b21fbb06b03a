//go:build !wasm

package http_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
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

func TestA3xxIsAnAnswerAndNothingIsSentTwice(t *testing.T) {
	var sent []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Method+" "+r.URL.Path)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusTemporaryRedirect)
		io.WriteString(w, "moved")
	}))
	defer server.Close()
	own := http.Client{CheckRedirect: fetchhttp.NoRedirects}
	for name, client := range map[string]*http.Client{"the default client": http.DefaultClient, "one's own": &own} {
		sent = nil
		response, err := client.Post(server.URL+"/orders", "text/plain", strings.NewReader("order"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != 307 || response.Header.Get("Location") != "/elsewhere" || string(body) != "moved" || err != nil {
			t.Errorf("%s: found %d to %q, %q, %v", name, response.StatusCode, response.Header.Get("Location"), body, err)
		}
		if len(sent) != 1 || sent[0] != "POST /orders" {
			t.Errorf("%s sent %v", name, sent)
		}
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
