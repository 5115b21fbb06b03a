"""HTTP in a component: wasi:http, if its world has it."""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from typing import Any
from urllib.parse import urlsplit

from componentize_py_types import Err, Ok

from .http import Headers, HttpError, Request, Response

try:
    from wit_world.imports import outgoing_handler
    from wit_world.imports import wasi_http_types as wasi
    from wit_world.imports.streams import StreamError_Closed
except ImportError:
    outgoing_handler = None  # type: ignore[assignment]

_CHUNK = 4096
"""So many bytes a stream takes in one blocking write, by its contract."""

_READ = 65536
"""So many bytes are asked for at a time."""

_NANOSECONDS = 1_000_000
"""In a millisecond."""

_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")


def exchange(request: Request) -> Response:
    """Sends a request and reads its response."""
    if outgoing_handler is None:
        text = (
            "this component cannot use HTTP: name what it may call under `[grants]` of its manifest, as "
            f"`http = [\"{request.method} {_origin(request.url)}\"]`, and build it again"
        )
        raise HttpError("HTTP-request-denied", text, what=repr(request))
    try:
        return _read(_send(request))
    except Err as error:
        raise _reason(error.value, request) from None


def _send(request: Request) -> Any:
    parts = urlsplit(request.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    entries = [(name, value.encode("latin-1")) for name, value in request.headers.entries]
    if request.body and "content-length" not in request.headers:
        entries.append(("content-length", str(len(request.body)).encode()))
    outgoing = wasi.OutgoingRequest(wasi.Fields.from_list(entries))
    outgoing.set_method(_method(request.method))
    outgoing.set_scheme(wasi.Scheme_Https() if parts.scheme == "https" else wasi.Scheme_Http())
    outgoing.set_authority(parts.netloc)
    outgoing.set_path_with_query(path)
    body = outgoing.body()
    future = outgoing_handler.handle(outgoing, _options(request.timeout))
    try:
        _write(body, request.body)
    except Err:
        pass  # the server has enough of it: its response, or why there is none, says more
    future.subscribe().block()
    answer = future.get()
    # Some(Ok(Ok(response))): there, not taken before, and no error.
    result = answer.value if isinstance(answer, Ok) else answer
    if isinstance(result, Err):
        raise result
    return result.value if isinstance(result, Ok) else result


def _write(body: Any, content: bytes) -> None:
    with body.write() as stream:
        for start in range(0, len(content), _CHUNK):
            stream.blocking_write_and_flush(content[start : start + _CHUNK])
    wasi.OutgoingBody.finish(body, None)


def _read(incoming: Any) -> Response:
    status = incoming.status()
    with incoming.headers() as fields:
        headers = Headers([(name, value.decode("latin-1")) for name, value in fields.entries()])
    body = incoming.consume()
    chunks: list[bytes] = []
    with body.stream() as stream:
        while True:
            try:
                chunks.append(stream.blocking_read(_READ))
            except Err as error:
                if isinstance(error.value, StreamError_Closed):
                    break
                raise
    return Response(status, b"".join(chunks), headers)


def _method(method: str) -> Any:
    if method in _METHODS:
        return getattr(wasi, f"Method_{method.capitalize()}")()
    return wasi.Method_Other(method)


def _options(timeout: int | None) -> Any:
    if timeout is None:
        return None
    options = wasi.RequestOptions()
    options.set_connect_timeout(timeout * _NANOSECONDS)
    options.set_first_byte_timeout(timeout * _NANOSECONDS)
    options.set_between_bytes_timeout(timeout * _NANOSECONDS)
    return options


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _reason(value: Any, request: Request) -> HttpError:
    """Of `ErrorCode_HttpRequestDenied` it makes `HTTP-request-denied`, as wasi:http writes it."""
    name = type(value).__name__.partition("_")[2] or "invalid"
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
    for short in ("http", "dns", "tls", "ip", "uri"):
        kind = re.sub(rf"\b{short}\b", short.upper(), kind)
    payload = getattr(value, "value", None)
    to_debug = getattr(payload, "to_debug_string", None)
    if is_dataclass(payload):
        text = ", ".join(str(value) for value in vars(payload).values() if value is not None)
    else:
        text = to_debug() if to_debug else "" if payload is None else str(payload)
    return HttpError(kind, text, what=repr(request))
