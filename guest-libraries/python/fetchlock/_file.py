"""File variables, which are loaded when their content is first asked for."""

from __future__ import annotations

from collections.abc import Callable


class File:
    """A file.

    One that comes with a task still lies in the engine. It is loaded by `load` or `text`, once; passed on as a variable
    it need not be loaded at all. A new one is made of its content: `File("total.txt", "42")`.
    """

    __slots__ = ("name", "mime_type", "encoding", "_content", "_stored", "_load")

    name: str
    """The file's name."""
    mime_type: str | None
    """The MIME type, such as `application/pdf`."""
    encoding: str | None
    """The character encoding, such as `UTF-8`."""

    def __init__(
        self, name: str, content: bytes | str, *, mime_type: str | None = None, encoding: str | None = None
    ) -> None:
        """A new file. A text is written in `encoding`, by default UTF-8, which the file then tells."""
        if isinstance(content, str):
            encoding = encoding or "UTF-8"
            content = content.encode(encoding)
        self.name = name
        self.mime_type = mime_type
        self.encoding = encoding
        self._content: bytes | None = bytes(content)
        self._stored: str | None = None
        self._load: Callable[[str], bytes] | None = None

    @classmethod
    def _of_variable(
        cls, variable: str, load: Callable[[str], bytes], name: str, mime_type: str | None, encoding: str | None
    ) -> File:
        file = cls(name, b"", mime_type=mime_type, encoding=encoding)
        file._content, file._stored, file._load = None, variable, load
        return file

    def load(self) -> bytes:
        """The content. Raises `LoadError`."""
        if self._content is None:
            assert self._load is not None and self._stored is not None
            self._content = self._load(self._stored)
        return self._content

    def text(self, encoding: str | None = None) -> str:
        """The content as a text in this encoding, else in the file's, else in UTF-8. Raises `LoadError`."""
        return self.load().decode(encoding or self.encoding or "utf-8")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, File):
            return NotImplemented
        if (self.name, self.mime_type, self.encoding) != (other.name, other.mime_type, other.encoding):
            return False
        return (self._stored is not None and self._stored == other._stored) or self.load() == other.load()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        where = f"in the variable {self._stored!r}" if self._stored is not None else f"{len(self._content or b'')} bytes"
        return f"<File {self.name!r}, {where}>"
