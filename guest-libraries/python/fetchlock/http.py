"""Calls of other systems over HTTP: `http.request("GET", "https://api.example.com/rates").json()`.

They need a grant: `http = ["GET https://api.example.com"]` under `[grants]` of the manifest, allowed by the operator.
Redirects are not followed. `urllib`, `requests` and sockets do not work in a component.
"""

from __future__ import annotations

import json as _json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ._duration import Duration, milliseconds
from ._errors import HostError
from ._host import current
from ._json import to_text


class HttpError(HostError):
    """There is no response. `kind` is wasi:http's name of the reason, such as `HTTP-request-denied`."""


class StatusError(HttpError):
    """A response whose status is 400 or more, by `raise_for_status`."""

    response: Response
    """The response."""


class Headers(Mapping[str, str]):
    """The headers of a response. Names are looked up in capitals and small letters alike."""

    def __init__(self, entries: Mapping[str, str] | list[tuple[str, str]] = ()) -> None:  # type: ignore[assignment]
        pairs = entries.items() if isinstance(entries, Mapping) else entries
        self.entries: list[tuple[str, str]] = [(name.lower(), value) for name, value in pairs]

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def get_all(self, name: str) -> list[str]:
        """The values of a header that is there more than once."""
        return [value for known, value in self.entries if known == name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.entries))

    def __len__(self) -> int:
        return len(dict(self.entries))

    def __repr__(self) -> str:
        return f"Headers({self.entries!r})"


class Request:
    """What `request` asks of the host."""

    def __init__(self, method: str, url: str, headers: Headers, body: bytes, timeout: int | None) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        """Milliseconds, if there is one."""

    def json(self) -> Any:
        """What the body says as JSON, for tests."""
        return _json.loads(self.body)

    def __repr__(self) -> str:
        return f"{self.method} {self.url}"


class Response:
    """A response, read to its end."""

    def __init__(
        self,
        status: int,
        body: bytes | str = b"",
        headers: Headers | Mapping[str, str] | list[tuple[str, str]] = (),  # type: ignore[assignment]
        *,
        json: Any = None,
    ) -> None:
        """Tests make one of a status and a body, which may be a text, or given as `json`."""
        if json is not None:
            body = to_text(json)
        self.status = status
        """The status, such as 200."""
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        """The headers."""
        self.body = body.encode() if isinstance(body, str) else bytes(body)
        """The body."""

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status < 400

    @property
    def text(self) -> str:
        """The body as a text, in the `charset` of its content type, by default UTF-8."""
        charset = self.headers.get("content-type", "").lower().partition("charset=")[2].partition(";")[0]
        return self.body.decode(charset.strip(" \"'") or "utf-8", errors="replace")

    def json(self) -> Any:
        """What the body says as JSON."""
        return _json.loads(self.body)

    def raise_for_status(self) -> Response:
        """The same response. Raises `StatusError` if its status is 400 or more."""
        if not self.ok:
            error = StatusError(f"status {self.status}", self.text[:_SHOWN], what="the response")
            error.response = self
            raise error
        return self

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.body)} bytes>"


_SHOWN = 200
"""So many characters of a body say what went wrong, and still fit into an incident's message."""


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | str | None = None,
    json: Any = None,
    timeout: Duration | None = None,
) -> Response:
    """Sends a request and reads its response. Raises `HttpError` if there is none; a status is no error.

    `json` is what the body says, instead of `body`: plain values or dataclasses. `timeout` shortens what the host
    allows for each of connecting, the first byte and further ones.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no address of HTTP: it starts with http:// or https:// and a host")
    sent = Headers(headers or {})
    if json is not None:
        if body is not None:
            raise ValueError("a request has a `body` or `json`, not both")
        body = to_text(json)
        if "content-type" not in sent:
            sent.entries.append(("content-type", "application/json"))
    content = body.encode() if isinstance(body, str) else body or b""
    limit = None if timeout is None else milliseconds(timeout)
    return current("http.request").http(Request(method.upper(), url, sent, content, limit))


def get(url: str, *, headers: Mapping[str, str] | None = None, timeout: Duration | None = None) -> Response:
    """Sends a GET request. Raises `HttpError`."""
    return request("GET", url, headers=headers, timeout=timeout)


def post(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | str | None = None,
    json: Any = None,
    timeout: Duration | None = None,
) -> Response:
    """Sends a POST request. Raises `HttpError`."""
    return request("POST", url, headers=headers, body=body, json=json, timeout=timeout)
