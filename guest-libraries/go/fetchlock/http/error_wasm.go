package http

import (
	"fmt"

	wasi "fetchlock/internal/bindings/wasi_http_types"
)

// The names of wasi:http's error codes, by their number.
var codes = [...]string{
	wasi.ErrorCodeDnsTimeout:                     "DNS-timeout",
	wasi.ErrorCodeDnsError:                       "DNS-error",
	wasi.ErrorCodeDestinationNotFound:            "destination-not-found",
	wasi.ErrorCodeDestinationUnavailable:         "destination-unavailable",
	wasi.ErrorCodeDestinationIpProhibited:        "destination-IP-prohibited",
	wasi.ErrorCodeDestinationIpUnroutable:        "destination-IP-unroutable",
	wasi.ErrorCodeConnectionRefused:              "connection-refused",
	wasi.ErrorCodeConnectionTerminated:           "connection-terminated",
	wasi.ErrorCodeConnectionTimeout:              "connection-timeout",
	wasi.ErrorCodeConnectionReadTimeout:          "connection-read-timeout",
	wasi.ErrorCodeConnectionWriteTimeout:         "connection-write-timeout",
	wasi.ErrorCodeConnectionLimitReached:         "connection-limit-reached",
	wasi.ErrorCodeTlsProtocolError:               "TLS-protocol-error",
	wasi.ErrorCodeTlsCertificateError:            "TLS-certificate-error",
	wasi.ErrorCodeTlsAlertReceived:               "TLS-alert-received",
	wasi.ErrorCodeHttpRequestDenied:              codeDenied,
	wasi.ErrorCodeHttpRequestLengthRequired:      "HTTP-request-length-required",
	wasi.ErrorCodeHttpRequestBodySize:            "HTTP-request-body-size",
	wasi.ErrorCodeHttpRequestMethodInvalid:       "HTTP-request-method-invalid",
	wasi.ErrorCodeHttpRequestUriInvalid:          "HTTP-request-URI-invalid",
	wasi.ErrorCodeHttpRequestUriTooLong:          "HTTP-request-URI-too-long",
	wasi.ErrorCodeHttpRequestHeaderSectionSize:   "HTTP-request-header-section-size",
	wasi.ErrorCodeHttpRequestHeaderSize:          "HTTP-request-header-size",
	wasi.ErrorCodeHttpRequestTrailerSectionSize:  "HTTP-request-trailer-section-size",
	wasi.ErrorCodeHttpRequestTrailerSize:         "HTTP-request-trailer-size",
	wasi.ErrorCodeHttpResponseIncomplete:         "HTTP-response-incomplete",
	wasi.ErrorCodeHttpResponseHeaderSectionSize:  "HTTP-response-header-section-size",
	wasi.ErrorCodeHttpResponseHeaderSize:         "HTTP-response-header-size",
	wasi.ErrorCodeHttpResponseBodySize:           "HTTP-response-body-size",
	wasi.ErrorCodeHttpResponseTrailerSectionSize: "HTTP-response-trailer-section-size",
	wasi.ErrorCodeHttpResponseTrailerSize:        "HTTP-response-trailer-size",
	wasi.ErrorCodeHttpResponseTransferCoding:     "HTTP-response-transfer-coding",
	wasi.ErrorCodeHttpResponseContentCoding:      "HTTP-response-content-coding",
	wasi.ErrorCodeHttpResponseTimeout:            "HTTP-response-timeout",
	wasi.ErrorCodeHttpUpgradeFailed:              "HTTP-upgrade-failed",
	wasi.ErrorCodeHttpProtocolError:              "HTTP-protocol-error",
	wasi.ErrorCodeLoopDetected:                   "loop-detected",
	wasi.ErrorCodeConfigurationError:             "configuration-error",
	wasi.ErrorCodeInternalError:                  "internal-error",
}

func errorOf(code wasi.ErrorCode) error {
	as := &Error{Code: codes[code.Tag()]}
	switch code.Tag() {
	case wasi.ErrorCodeInternalError:
		as.Text = code.InternalError().SomeOr("")
	case wasi.ErrorCodeDnsError:
		as.Text = code.DnsError().Rcode.SomeOr("")
	case wasi.ErrorCodeTlsAlertReceived:
		as.Text = code.TlsAlertReceived().AlertMessage.SomeOr("")
	case wasi.ErrorCodeHttpResponseBodySize:
		if size := code.HttpResponseBodySize(); size.IsSome() {
			as.Text = fmt.Sprintf("%d bytes", size.Some())
		}
	}
	return as
}
