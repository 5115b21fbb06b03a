"""The values of the contract, as componentize-py brings them, in their forms in Python (`_encode.FORMS`) and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from componentize_py_types import Err
from wit_world.imports import variables

from ._encode import Variable
from ._errors import LoadError
from ._file import File
from ._values import Date, Json, Long, Null, ObjectValue, Other, Short, Xml

try:
    from wit_world.imports import types  # type: ignore[attr-defined, unused-ignore]
except ImportError:  # in worlds that have another interface called so, that of wasi:http
    from wit_world.imports import fetchlock_handler_types as types

_KINDS = {
    "AlreadyDecided": "already-decided",
    "Invalid": "invalid",
    "NotDurable": "not-durable",
    "LockLost": "lock-lost",
    "Unavailable": "unavailable",
    "Unknown": "unknown",
    "NotAFile": "not-a-file",
    "TooLarge": "too-large",
    "Gone": "gone",
}


def reason(error: Err[Any]) -> tuple[str, str]:
    """The kind of an error, whose classes are called `LockError_LockLost` and the like, and its text."""
    return _KINDS[type(error.value).__name__.partition("_")[2]], str(getattr(error.value, "value", ""))


def _load(name: str) -> bytes:
    try:
        return variables.load(name)
    except Err as error:
        kind, text = reason(error)
        if kind == "too-large":
            text = f"it has {text} bytes, more than the limit `payload` of the plugin"
        raise LoadError(kind, text, what=f"the content of the variable `{name}`") from None


def moment(date: Any) -> datetime | Date:
    """A date; a `Date` only if no `datetime` can hold it."""
    known = Date(date.unix_millis, date.offset_minutes)
    try:
        return known.datetime()
    except OverflowError:
        return known


def _file(value: Any) -> File:
    content = value.content
    if isinstance(content, types.FileContent_Stored):
        return File._of_variable(content.value, _load, value.filename, value.mime_type, value.encoding)
    return File(value.filename, content.value, mime_type=value.mime_type, encoding=value.encoding)


def _write_file(file: File) -> Any:
    if file._stored is not None:
        content: Any = types.FileContent_Stored(file._stored)
    else:
        content = types.FileContent_Bytes(file.load())
    return types.Value_File(types.File(file.name, file.mime_type, file.encoding, content))


def _write_date(date: Date) -> Any:
    return types.Value_Date(types.Date(date.unix_millis, date.offset_minutes))


def _as_it_is(value: Any) -> Any:
    return value.value


_READ: dict[type, Callable[[Any], Any]] = {
    types.Value_Null: lambda it: None if it.value is None else Null(it.value),
    types.Value_Boolean: _as_it_is,
    types.Value_Short: lambda it: Short(it.value),
    types.Value_Integer: _as_it_is,
    types.Value_Long: lambda it: Long(it.value),
    types.Value_Double: _as_it_is,
    types.Value_Text: _as_it_is,
    types.Value_Date: lambda it: moment(it.value),
    types.Value_Bytes: _as_it_is,
    types.Value_File: lambda it: _file(it.value),
    types.Value_Json: lambda it: Json.from_text(it.value),
    types.Value_Xml: lambda it: Xml(it.value),
    types.Value_Object: lambda it: ObjectValue(it.value.type_name, it.value.format, it.value.text),
    types.Value_Other: lambda it: Other(it.value.type_name, it.value.value, it.value.value_info),
}

_WRITE: dict[type, Callable[[Any], Any]] = {
    type(None): lambda it: types.Value_Null(None),
    Null: lambda it: types.Value_Null(it.type_name),
    bool: types.Value_Boolean,
    Short: types.Value_Short,
    int: types.Value_Integer,
    Long: types.Value_Long,
    float: types.Value_Double,
    str: types.Value_Text,
    datetime: lambda it: _write_date(Date.of(it)),
    Date: _write_date,
    bytes: types.Value_Bytes,
    File: _write_file,
    Json: lambda it: types.Value_Json(it.text),
    Xml: types.Value_Xml,
    ObjectValue: lambda it: types.Value_Object(types.Object(it.type_name, it.format, it.text)),
    Other: lambda it: types.Value_Other(types.Other(it.type_name, it.value, it.value_info)),
}


def read(value: Any) -> Any:
    """A value of the contract, in its form (`_encode.FORMS`)."""
    return _READ[type(value)](value)


def written(given: list[Variable]) -> list[Any]:
    """Variables in their forms, as the contract has them."""
    return [types.Variable(name, _WRITE[type(value)](value), transient) for name, value, transient in given]
