package http

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"

	"fetchlock/internal/bindings/wasi_http_outgoing_handler"
	wasi "fetchlock/internal/bindings/wasi_http_types"
	"fetchlock/internal/bindings/wasi_io_streams"
	"fetchlock/internal/guard"
	witTypes "fetchlock/internal/wit/types"
)

func init() { http.DefaultTransport = Transport{} }

// Transport is an http.RoundTripper that goes through the host; outside of components it is http.DefaultTransport.
type Transport struct{}

const (
	// What a stream of wasi:io takes at once.
	writeAtOnce = 4096
	// What is asked of a stream at once. It gives what it has.
	readAtOnce = 64 << 10
)

// RoundTrip makes one exchange.
func (Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	var body []byte
	if request.Body != nil {
		var err error
		body, err = io.ReadAll(request.Body)
		if closing := request.Body.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return nil, err
		}
	}
	var response *http.Response
	var err error
	guard.Call(func() { response, err = exchange(request, body) })
	return response, err
}

func exchange(request *http.Request, body []byte) (*http.Response, error) {
	outgoing, err := outgoingRequest(request)
	if err != nil {
		return nil, err
	}
	var sending *wasi.OutgoingBody
	if len(body) > 0 {
		sending = outgoing.Body().Ok()
	}
	options, err := optionsOf(request)
	if err != nil {
		return nil, err
	}
	handled := wasi_http_outgoing_handler.Handle(outgoing, witTypes.Some(options))
	if handled.IsErr() {
		return nil, errorOf(handled.Err())
	}
	future := handled.Ok()
	defer future.Drop()
	if sending != nil {
		send(sending, body)
	}
	ready := future.Subscribe()
	ready.Block()
	ready.Drop()
	answer := future.Get().Some().Ok()
	if answer.IsErr() {
		return nil, errorOf(answer.Err())
	}
	incoming := answer.Ok()
	defer incoming.Drop()
	return responseOf(request, incoming)
}

func outgoingRequest(request *http.Request) (*wasi.OutgoingRequest, error) {
	var entries []witTypes.Tuple2[string, []uint8]
	for name, values := range request.Header {
		for _, value := range values {
			entries = append(entries, witTypes.Tuple2[string, []uint8]{F0: strings.ToLower(name), F1: []byte(value)})
		}
	}
	headers := wasi.FieldsFromList(entries)
	if headers.IsErr() {
		return nil, &Error{Code: "request", Text: "a header is not valid or not allowed"}
	}
	outgoing := wasi.MakeOutgoingRequest(headers.Ok())
	scheme := wasi.MakeSchemeHttps()
	switch request.URL.Scheme {
	case "https":
	case "http":
		scheme = wasi.MakeSchemeHttp()
	default:
		scheme = wasi.MakeSchemeOther(request.URL.Scheme)
	}
	authority := request.Host
	if authority == "" {
		authority = request.URL.Host
	}
	path := request.URL.RequestURI()
	wrong := ""
	switch {
	case outgoing.SetMethod(methodOf(request.Method)).IsErr():
		wrong = "the method `" + request.Method + "` is not valid"
	case outgoing.SetScheme(witTypes.Some(scheme)).IsErr():
		wrong = "the scheme `" + request.URL.Scheme + "` is not valid"
	case outgoing.SetAuthority(witTypes.Some(authority)).IsErr():
		wrong = "the host `" + authority + "` is not valid"
	case outgoing.SetPathWithQuery(witTypes.Some(path)).IsErr():
		wrong = "the path `" + path + "` is not valid"
	default:
		return outgoing, nil
	}
	outgoing.Drop()
	return nil, &Error{Code: "request", Text: wrong}
}

func methodOf(name string) wasi.Method {
	switch name {
	case "", http.MethodGet:
		return wasi.MakeMethodGet()
	case http.MethodHead:
		return wasi.MakeMethodHead()
	case http.MethodPost:
		return wasi.MakeMethodPost()
	case http.MethodPut:
		return wasi.MakeMethodPut()
	case http.MethodDelete:
		return wasi.MakeMethodDelete()
	case http.MethodConnect:
		return wasi.MakeMethodConnect()
	case http.MethodOptions:
		return wasi.MakeMethodOptions()
	case http.MethodTrace:
		return wasi.MakeMethodTrace()
	case http.MethodPatch:
		return wasi.MakeMethodPatch()
	default:
		return wasi.MakeMethodOther(name)
	}
}

// The time that the context leaves, as bounds of the exchange. A host that does not support them has its own.
func optionsOf(request *http.Request) (*wasi.RequestOptions, error) {
	options := wasi.MakeRequestOptions()
	deadline, ok := request.Context().Deadline()
	if !ok {
		return options, nil
	}
	left := time.Until(deadline)
	if left <= 0 {
		options.Drop()
		return nil, &Error{Code: "connection-timeout", Text: "the context's deadline has passed"}
	}
	nanoseconds := witTypes.Some(uint64(left))
	for _, set := range []func(witTypes.Option[uint64]) witTypes.Result[witTypes.Unit, witTypes.Unit]{
		options.SetConnectTimeout, options.SetFirstByteTimeout, options.SetBetweenBytesTimeout,
	} {
		set(nanoseconds)
	}
	return options, nil
}

// Sends a body. Where that ends early the answer tells why: a refusal, say, or what a server says that does not want it.
func send(to *wasi.OutgoingBody, body []byte) {
	stream := to.Write().Ok()
	for len(body) > 0 {
		n := min(len(body), writeAtOnce)
		if stream.BlockingWriteAndFlush(body[:n]).IsErr() {
			stream.Drop()
			to.Drop()
			return
		}
		body = body[n:]
	}
	stream.Drop()
	wasi.OutgoingBodyFinish(to, witTypes.None[*wasi.Fields]())
}

func responseOf(request *http.Request, incoming *wasi.IncomingResponse) (*http.Response, error) {
	status := int(incoming.Status())
	response := &http.Response{
		Status:     http.StatusText(status),
		StatusCode: status,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     http.Header{},
		Request:    request,
	}
	headers := incoming.Headers()
	for _, entry := range headers.Entries() {
		response.Header.Add(entry.F0, string(entry.F1))
	}
	headers.Drop()
	body, err := receive(incoming)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	response.ContentLength = int64(len(body))
	return response, nil
}

func receive(incoming *wasi.IncomingResponse) ([]byte, error) {
	from := incoming.Consume().Ok()
	stream := from.Stream().Ok()
	var body []byte
	for {
		read := stream.BlockingRead(readAtOnce)
		if read.IsOk() {
			body = append(body, read.Ok()...)
			continue
		}
		var err error
		if end := read.Err(); end.Tag() != wasi_io_streams.StreamErrorClosed {
			err = streamError(end)
		}
		stream.Drop()
		from.Drop()
		return body, err
	}
}

func streamError(err wasi_io_streams.StreamError) error {
	if err.Tag() == wasi_io_streams.StreamErrorClosed {
		return &Error{Code: "connection-terminated"}
	}
	cause := err.LastOperationFailed()
	defer cause.Drop()
	if code := wasi.HttpErrorCode(cause); code.IsSome() {
		return errorOf(code.Some())
	}
	return &Error{Code: "internal-error", Text: cause.ToDebugString()}
}
