"""From what a JSON document says to declared types."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Callable, Literal, Union, get_args, get_origin

from ._fields import fields_of, is_dataclass_type

Problems = list[str]
"""What is wrong, each with its place."""

JsonReader = Callable[[Any, str, Problems], Any]
"""Makes the declared type of what stands at a place in the document, or adds to the problems."""


def json_reader(hint: Any, known: dict[Any, JsonReader] | None = None) -> JsonReader:
    """The reader of a type in a JSON document. Raises `TypeError` for a type that is not of JSON."""
    known = {} if known is None else known
    if get_origin(hint) is Annotated:
        return json_reader(get_args(hint)[0], known)
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if is_dataclass_type(hint):
        return _dataclass(hint, known)
    origin, arguments = get_origin(hint) or hint, get_args(hint)
    if origin is Union or origin is types.UnionType:
        return _any_of([json_reader(argument, known) for argument in arguments])
    if origin is Literal:
        return _one_of(arguments, lambda value: value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _one_of(tuple(member.value for member in hint), hint)
    if origin in (list, Sequence, set, frozenset):
        return _list(json_reader(arguments[0] if arguments else Any, known), list if origin is Sequence else origin)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _list(json_reader(arguments[0], known), tuple)
    if origin in (dict, Mapping):
        return _dict(json_reader(arguments[1] if arguments else Any, known))
    raise TypeError(f"{getattr(hint, '__qualname__', hint)} is no type that stands in a JSON document")


def _wrong(expected: str, value: Any, place: str) -> str:
    at = f"at `{place}` expected" if place else "expected"
    return f"{at} {expected}, found {_name(value)}"


def _name(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float, Decimal)):
        return f"the number {value}"
    return "a text" if isinstance(value, str) else "a list" if isinstance(value, list) else "an object"


def _simple(expected: str, take: Callable[[Any], Any]) -> JsonReader:
    def read(value: Any, place: str, problems: Problems) -> Any:
        try:
            return take(value)
        except (ValueError, ArithmeticError):
            problems.append(_wrong(expected, value, place))
            return None

    return read


def _boolean(value: Any) -> bool:
    return value if isinstance(value, bool) else _refuse()


def _whole(value: Any) -> int:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else _refuse()


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else _refuse()


def _decimal(value: Any) -> Decimal:
    return Decimal(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else _refuse()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _refuse()


def _moment(value: Any) -> datetime:
    # Python 3.10 does not know the Z.
    return datetime.fromisoformat(_text(value).replace("Z", "+00:00"))


def _day(value: Any) -> date:
    return date.fromisoformat(_text(value))


def _nothing(value: Any) -> None:
    if value is not None:
        _refuse()


def _refuse() -> Any:
    raise ValueError


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    return value


_SIMPLE: dict[Any, JsonReader] = {
    Any: _simple("anything", _plain),
    object: _simple("anything", _plain),
    None: _simple("null", _nothing),
    type(None): _simple("null", _nothing),
    bool: _simple("true or false", _boolean),
    int: _simple("a whole number", _whole),
    float: _simple("a number", _number),
    Decimal: _simple("a number", _decimal),
    str: _simple("a text", _text),
    datetime: _simple("a date and time like 2026-01-31T12:00:00+01:00", _moment),
    date: _simple("a date like 2026-01-31", _day),
}


def _any_of(readers: list[JsonReader]) -> JsonReader:
    def read(value: Any, place: str, problems: Problems) -> Any:
        found: list[Problems] = []
        for read_one in readers:
            mine: Problems = []
            taken = read_one(value, place, mine)
            if not mine:
                return taken
            found.append(mine)
        problems.extend(found[0])
        return None

    return read


def _one_of(allowed: tuple[Any, ...], make: Callable[[Any], Any]) -> JsonReader:
    expected = " or ".join(repr(value) for value in allowed)

    def read(value: Any, place: str, problems: Problems) -> Any:
        for known in allowed:
            if value == known and isinstance(value, type(known)):
                return make(known)
        problems.append(_wrong(expected, value, place))
        return None

    return read


def _list(read_item: JsonReader, make: Callable[[list[Any]], Any]) -> JsonReader:
    def read(value: Any, place: str, problems: Problems) -> Any:
        if not isinstance(value, list):
            problems.append(_wrong("a list", value, place))
            return None
        items = [read_item(item, f"{place}[{index}]", problems) for index, item in enumerate(value)]
        return items if make is list else make(items)

    return read


def _dict(read_member: JsonReader) -> JsonReader:
    def read(value: Any, place: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            problems.append(_wrong("an object", value, place))
            return None
        return {name: read_member(member, _inside(place, name), problems) for name, member in value.items()}

    return read


def _dataclass(kind: type, known: dict[Any, JsonReader]) -> JsonReader:
    if kind in known:
        return known[kind]
    members: list[tuple[str, str, JsonReader, bool, bool]] = []

    def read(value: Any, place: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            problems.append(_wrong(f"an object ({kind.__name__})", value, place))
            return None
        before = len(problems)
        arguments = {}
        for attribute, name, read_member, has_default, may_be_null in members:
            if name in value:
                arguments[attribute] = read_member(value[name], _inside(place, name), problems)
            elif not has_default:
                if may_be_null:
                    arguments[attribute] = None
                else:
                    problems.append(f"at `{_inside(place, name)}` expected a value, found none")
        return kind(**arguments) if len(problems) == before else None

    known[kind] = read  # before the fields, which may be of this very type
    for field in fields_of(kind):
        if field.init:
            members.append(
                (field.attribute, field.name, json_reader(field.hint, known), field.has_default, may_be_none(field.hint))
            )
    return read


def may_be_none(hint: Any) -> bool:
    """Whether a field of this type may be left out, as `Optional[X]` may."""
    if get_origin(hint) is Annotated:
        return may_be_none(get_args(hint)[0])
    return hint is None or hint is type(None) or type(None) in get_args(hint)


def _inside(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
