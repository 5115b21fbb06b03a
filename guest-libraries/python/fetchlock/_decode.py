"""From the engine's values to the types that a handler declares, decided once for a type, when the component is built."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Callable, Literal, Union, get_args, get_origin

from ._decode_json import Problems, json_reader
from ._fields import is_dataclass_type
from ._file import File
from ._values import Date, Double, Json, Long, Null, ObjectValue, Other, Short, Xml, type_name

Reader = Callable[[Any, str, Problems], Any]
"""Makes the declared type of a value, or adds to the problems what is wrong with it."""

Raw = Annotated[Any, "raw"]
"""A value exactly as it came: a `Json` unread. Given back as a variable it is the same again."""

FAILED = object()
"""What a reader returns that has added a problem."""


def reader(hint: Any) -> Reader:
    """The reader of variables of a type. Raises `TypeError` for a type that no variable can have."""
    if hint == Raw:
        return lambda value, where, problems: value
    if get_origin(hint) is Annotated:
        return reader(get_args(hint)[0])
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    origin = get_origin(hint)
    if origin is Union or origin is types.UnionType:
        return _any_of(get_args(hint))
    if origin is Literal:
        return _one_of(get_args(hint), lambda value: value, hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _one_of(tuple(member.value for member in hint), hint, hint)
    return _structure(hint)


def _simple(expected: str, take: Callable[[Any], Any]) -> Reader:
    def read(value: Any, where: str, problems: Problems) -> Any:
        taken = take(value)
        if taken is FAILED:
            problems.append(f"{where}: expected {expected}, found {type_name(value)}")
        return taken

    return read


def _instance(kind: type) -> Callable[[Any], Any]:
    return lambda value: value if isinstance(value, kind) else FAILED


def _exactly(kind: type) -> Callable[[Any], Any]:
    return lambda value: value if type(value) is kind else FAILED


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _whole(value: Any) -> Any:
    return value if _is_whole(value) else FAILED


def _bounded(kind: type) -> Callable[[Any], Any]:
    def take(value: Any) -> Any:
        try:
            return kind(value) if _is_whole(value) else FAILED
        except ValueError:
            return FAILED

    return take


def _is_exact(whole: int) -> bool:
    try:
        return int(float(whole)) == whole
    except OverflowError:
        return False


def _number(kind: type[float]) -> Reader:
    read_any = _simple(_ANY_NUMBER, lambda value: kind(value) if isinstance(value, float) or _is_whole(value) else FAILED)

    def read(value: Any, where: str, problems: Problems) -> Any:
        # It is refused rather than changed.
        if _is_whole(value) and not _is_exact(value):
            what = "Long" if isinstance(value, Long) else "whole number"
            problems.append(f"{where}: expected Double, found the {what} {int(value)}, which a Double cannot hold exactly")
            return FAILED
        return read_any(value, where, problems)

    return read


def _decimal(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(float(value)))
    return Decimal(value) if _is_whole(value) else FAILED


def _date(value: Any) -> Any:
    if isinstance(value, datetime):
        return Date.of(value)
    return value if isinstance(value, Date) else FAILED


def _null(value: Any) -> Any:
    return Null() if value is None else value if isinstance(value, Null) else FAILED


def _nothing(value: Any) -> Any:
    return None if value is None or isinstance(value, Null) else FAILED


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Json) else None if isinstance(value, Null) else value


_ANY_NUMBER = "Double (or a whole number)"
_ANY_WHOLE = "Integer (or Short or Long)"

_SIMPLE: dict[Any, Reader] = {
    Any: _simple("anything", _plain),
    object: _simple("anything", _plain),
    None: _simple("Null", _nothing),
    type(None): _simple("Null", _nothing),
    bool: _simple("Boolean", _exactly(bool)),
    int: _simple(_ANY_WHOLE, _whole),
    Short: _simple("Short", _bounded(Short)),
    Long: _simple("Long (or Short or Integer)", _bounded(Long)),
    float: _number(float),
    Double: _number(Double),
    Decimal: _simple(_ANY_NUMBER, _decimal),
    str: _simple("String", _exactly(str)),
    datetime: _simple("Date", _instance(datetime)),
    Date: _simple("Date", _date),
    bytes: _simple("Bytes", _instance(bytes)),
    File: _simple("File", _instance(File)),
    Json: _simple("Json", _instance(Json)),
    Xml: _simple("Xml", _instance(Xml)),
    ObjectValue: _simple("Object", _instance(ObjectValue)),
    Other: _simple("a type that the contract does not name", _instance(Other)),
    Null: _simple("Null", _null),
}


def _any_of(hints: tuple[Any, ...]) -> Reader:
    readers = [reader(hint) for hint in hints]
    optional = type(None) in hints

    def read(value: Any, where: str, problems: Problems) -> Any:
        if optional and (value is None or isinstance(value, Null)):
            return None
        found: list[list[str]] = []
        for read_one in readers:
            mine: list[str] = []
            taken = read_one(value, where, mine)
            if not mine:
                return taken
            found.append(mine)
        # Of several types that do not fit, the first tells most: `Optional[X]` has X first.
        problems.extend(found[0])
        return FAILED

    return read


def _one_of(allowed: tuple[Any, ...], make: Callable[[Any], Any], hint: Any) -> Reader:
    expected = " or ".join(repr(value) for value in allowed)

    def read(value: Any, where: str, problems: Problems) -> Any:
        for known in allowed:
            if value == known and isinstance(value, type(known)):
                return make(known)
        found = repr(value) if isinstance(value, (str, int)) else type_name(value)
        problems.append(f"{where}: expected {expected}, found {found}")
        return FAILED

    return read


def _structure(hint: Any) -> Reader:
    """Of JSON: the variable is a Json, or an Object that is serialised as JSON."""
    origin = get_origin(hint) or hint
    if not (is_dataclass_type(hint) or origin in (list, dict, tuple, set, frozenset, Mapping, Sequence)):
        raise TypeError(f"{getattr(hint, '__qualname__', hint)} is no type that a variable can have")
    read_json = json_reader(hint)

    def read(value: Any, where: str, problems: Problems) -> Any:
        is_json = isinstance(value, Json) or isinstance(value, ObjectValue) and value.format == "application/json"
        if not is_json:
            problems.append(f"{where}: expected Json, found {type_name(value)}")
            return FAILED
        try:
            # Fractions are read to the letter, for a Decimal may be what is declared.
            content = json.loads(value.text, parse_float=Decimal)
        except ValueError as error:
            problems.append(f"{where}: expected a JSON document, found a text that is none: {error}")
            return FAILED
        found: Problems = []
        taken = read_json(content, "", found)
        problems.extend(f"{where}: {problem}" for problem in found)
        return FAILED if found else taken

    return read
