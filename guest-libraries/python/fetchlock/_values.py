"""The engine's values, where no type of Python says which one is meant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Generic, TypeVar

from ._file import File

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)
_MINUTE = timedelta(minutes=1)


class Short(int):
    """`Short`: a whole number of 16 bits."""

    def __new__(cls, value: int = 0) -> Short:
        return super().__new__(cls, _bounded("Short", value, 16))


class Long(int):
    """`Long`: a whole number of 64 bits. A plain `int` is one only if it needs more than 32 bits."""

    def __new__(cls, value: int = 0) -> Long:
        return super().__new__(cls, _bounded("Long", value, 64))


class Double(float):
    """`Double`: as any `float`. It makes one of a whole number: `Double(5)`."""


class Xml(str):
    """`Xml`: the text of an XML document."""


class Json:
    """`Json`: a JSON document. Dicts, lists and dataclasses are it without saying so.

    The text is kept to the letter, so that a received document is passed on unharmed. Equal to another document, and to
    plain values, with the same content.
    """

    __slots__ = ("text",)

    text: str
    """The text of the document."""

    def __init__(self, value: Any) -> None:
        from ._json import to_text  # here, for that module knows this class

        self.text = to_text(value)

    @classmethod
    def from_text(cls, text: str) -> Json:
        """The document with this text, which is not looked at."""
        document = cls.__new__(cls)
        document.text = text
        return document

    @property
    def value(self) -> Any:
        """What the text says, in dicts and lists."""
        return json.loads(self.text)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Json):
            return self.text == other.text or bool(self.value == other.value)
        return bool(self.value == Json(other).value)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Json.from_text({self.text!r})"


@dataclass(frozen=True)
class ObjectValue:
    """`Object`: a serialised object of the engine's side (Java)."""

    type_name: str
    """The name of its Java type, such as `java.util.ArrayList<java.lang.String>`."""
    format: str
    """How it is serialised, such as `application/json`."""
    text: str
    """The serialised text."""

    @property
    def value(self) -> Any:
        """What the text of an object says that is serialised as JSON."""
        return json.loads(self.text)


@dataclass(frozen=True)
class Other:
    """A value of a type that the contract does not name; it can be read and passed on."""

    type_name: str
    """The engine's name of the type."""
    value: str
    """The value as JSON text."""
    value_info: str = "{}"
    """The engine's further facts about the value, as the text of a JSON object."""


@dataclass(frozen=True)
class Null:
    """No value where one of a type is missing, such as `Null("String")`. `None` is the plain `Null`."""

    type_name: str | None = None
    """The type that the engine gives the missing value."""


@dataclass(frozen=True)
class Date:
    """`Date` as the contract has it, for what `datetime` cannot hold: years beyond 9999. Else dates are `datetime`."""

    unix_millis: int
    """Milliseconds since 1970-01-01T00:00:00Z."""
    offset_minutes: int = 0
    """The offset from UTC that it is written with; +02:00 is 120."""

    @classmethod
    def of(cls, moment: datetime) -> Date:
        """The date of a `datetime` that has a time zone. What is finer than a millisecond is cut off."""
        offset = moment.utcoffset()
        if offset is None:
            raise ValueError(f"{moment!r} has no time zone: say `tzinfo=timezone.utc`, or the one that is meant")
        return cls((moment - _EPOCH) // _MILLISECOND, offset // _MINUTE)

    def datetime(self) -> datetime:
        """The same as a `datetime`, with its offset. Raises `OverflowError` beyond the year 9999."""
        zone = timezone(timedelta(minutes=self.offset_minutes)) if self.offset_minutes else timezone.utc
        return (_EPOCH.replace(tzinfo=None) + self.unix_millis * _MILLISECOND + self.offset_minutes * _MINUTE).replace(
            tzinfo=zone
        )


@dataclass(frozen=True)
class Transient(Generic[T]):
    """A variable that is usable within the engine's transaction (by a gateway behind the task) and not stored."""

    value: T
    """What it holds."""


def type_name(value: object) -> str:
    """The engine's name of a value's type, such as `Integer`, for messages."""
    for kind, name in _NAMES:
        if isinstance(value, kind):
            return str(name(value) if callable(name) else name)
    return "Json"


def _bounded(name: str, value: int, bits: int) -> int:
    number = int(value)
    if not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
        raise ValueError(f"{number} does not fit into {name}, which has {bits} bits")
    return number


def _null_name(value: Any) -> str:
    return f"Null ({value.type_name})" if value.type_name else "Null"


def _int_name(value: Any) -> str:
    return "Integer" if -(1 << 31) <= value < 1 << 31 else "Long"


# Subclasses come before what they are subclasses of.
_NAMES: tuple[tuple[type, Any], ...] = (
    (type(None), "Null"),
    (Null, _null_name),
    (bool, "Boolean"),
    (Short, "Short"),
    (Long, "Long"),
    (int, _int_name),
    (float, "Double"),
    (Xml, "Xml"),
    (str, "String"),
    (datetime, "Date"),
    (Date, "Date"),
    (bytes, "Bytes"),
    (File, "File"),
    (ObjectValue, "Object"),
    (Other, lambda value: value.type_name),
)
