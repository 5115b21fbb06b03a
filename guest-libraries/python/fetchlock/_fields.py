"""The fields of dataclasses, by the names that they have in the process."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Name:
    """The name of a field in the process, where it is not that in Python: `Annotated[str, Name("orderId")]`."""

    name: str
    """The name of the variable, or of the member of a JSON object."""


@dataclass(frozen=True)
class Field:
    """A field of a dataclass."""

    attribute: str
    """Its name in Python."""
    name: str
    """Its name in the process."""
    hint: Any
    """Its type, as declared."""
    has_default: bool
    """Whether it may be left out."""
    init: bool
    """Whether it is an argument of the constructor."""


@lru_cache(maxsize=None)
def fields_of(kind: Any) -> tuple[Field, ...]:
    """The fields of a dataclass. Raises `TypeError` if a type of one does not exist."""
    try:
        hints = get_type_hints(kind, include_extras=True)
    except NameError as error:
        raise TypeError(f"{kind.__qualname__}: the type of a field is not known: {error}") from error
    return tuple(_field(field, hints[field.name]) for field in dataclasses.fields(kind))


def _field(field: dataclasses.Field[Any], hint: Any) -> Field:
    name = field.name
    if get_origin(hint) is Annotated:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, Name):
                name = extra.name
    missing = dataclasses.MISSING
    has_default = field.default is not missing or field.default_factory is not missing
    return Field(field.name, name, hint, has_default, field.init)


def is_dataclass_type(kind: Any) -> bool:
    """Whether this is a dataclass, not an instance of one."""
    return isinstance(kind, type) and dataclasses.is_dataclass(kind)


def values_of(instance: Any) -> dict[str, Any]:
    """The values of a dataclass's instance, by their names in the process."""
    kind: Any = type(instance)
    return {field.name: getattr(instance, field.attribute) for field in fields_of(kind)}
