"""From what a handler returns to variables, each in the one form that the host takes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Callable, NamedTuple

from ._errors import VariableError
from ._fields import values_of
from ._file import File
from ._json import to_text
from ._values import Date, Double, Json, Long, Null, ObjectValue, Other, Short, Transient, Xml


class Variable(NamedTuple):
    """A variable on its way to the engine."""

    name: str
    """Its name."""
    value: Any
    """Its value, of a type in `FORMS`."""
    transient: bool = False
    """Whether it is not stored."""


def variables_of(given: Any) -> list[Variable]:
    """The variables that a dict or a dataclass says. Raises `VariableError`."""
    if given is None:
        return []
    if type(given) is not dict:
        if dataclasses.is_dataclass(given) and not isinstance(given, type):
            given = values_of(given)
        elif not isinstance(given, Mapping):
            raise VariableError(f"variables are a dict or a dataclass, not {type(given).__name__}")
    variables: list[Variable] = []
    problems: list[str] = []
    for name, value in given.items():
        transient = type(value) is Transient
        try:
            variables.append(Variable(name, value_of(value.value if transient else value), transient))
        except (TypeError, ValueError) as error:
            problems.append(f"variable `{name}`: {error}")
    if problems:
        raise VariableError("; ".join(problems))
    return variables


def value_of(value: Any) -> Any:
    """The value in its form. Raises `TypeError` or `ValueError` for what is no value of the engine."""
    form = FORMS.get(type(value))
    if form is not None:
        return form(value)
    if isinstance(value, Enum):
        return value_of(value.value)
    for kind, form in FORMS.items():  # subclasses of known types, such as defaultdict
        if isinstance(value, kind):
            return form(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return Json.from_text(to_text(values_of(value)))
    if isinstance(value, Mapping):
        return Json.from_text(to_text(dict(value)))
    raise TypeError(f"{type(value).__name__} is no type of the engine{_ADVICE.get(type(value).__name__, '')}")


_ADVICE = {
    "Decimal": ": say `str(…)`, or `float(…)`",
    "date": ": give a `datetime` with a time zone, or `str(…)`",
    "set": ": give a list",
}


def _same(value: Any) -> Any:
    return value


def _whole(value: int) -> int:
    return int(value) if -(1 << 31) <= value < 1 << 31 else Long(value)


def _double(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"a Double cannot be {value}")
    return float(value)


def _moment(value: datetime) -> datetime:
    Date.of(value)
    return value


def _structure(value: Any) -> Json:
    return Json.from_text(to_text(value))


def _nested(value: Transient[Any]) -> Any:
    raise TypeError("Transient stands around a whole variable")


# What follows is looked through in this order for subclasses of these, so that bool stands before int.
FORMS: dict[type, Callable[[Any], Any]] = {
    type(None): _same,
    bool: _same,
    Short: _same,
    Long: _same,
    int: _whole,
    Double: _double,
    float: _double,
    Xml: _same,
    str: str,
    datetime: _moment,
    bytes: _same,
    bytearray: bytes,
    memoryview: bytes,
    Date: _same,
    File: _same,
    Json: _same,
    ObjectValue: _same,
    Other: _same,
    Null: _same,
    Transient: _nested,
    dict: _structure,
    list: _structure,
    tuple: _structure,
}
"""Of each type that a variable may have, what makes its one form of a value: that of the outcome in a test too."""
