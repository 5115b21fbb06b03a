"""The arguments of a handler: which of them is the task, and how the variables become the other."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args, get_origin, get_type_hints

from ._decode import FAILED, Reader, reader
from ._decode_json import may_be_none
from ._errors import InputError
from ._fields import fields_of, is_dataclass_type
from ._host import ABSENT, Host, current
from ._task import Task
from ._values import type_name


class Variables(Mapping[str, Any]):
    """All variables that the host fetched, by name, each exactly as it came.

    A `Json` is unread, a `File` not loaded, a `Long` stays one; returned as a variable each is the same again.
    """

    def __init__(self, host: Host | None = None) -> None:
        self._host = host or current("Variables")
        self._known: dict[str, Any] = {}
        self._all = False

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self._host.get_many([name])[0]
        value = self._known[name]
        if value is ABSENT:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        if not self._all:
            # In one call, for who looks at one of them mostly looks at the others too.
            names = self._host.names()
            self._known = dict(zip(names, self._host.get_many(names)))
            self._all = True
        return iter([name for name, value in self._known.items() if value is not ABSENT])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def type_name(self, name: str) -> str:
        """The engine's name of a variable's type, such as `Integer`."""
        return type_name(self[name])

    def __repr__(self) -> str:
        return f"<Variables {', '.join(self)}>"


Make = Callable[[Host], Any]
"""Makes an argument."""


def arguments_of(function: Callable[..., Any]) -> list[Make]:
    """What makes a handler's arguments. Raises `TypeError` for a function that cannot be a handler."""
    name = getattr(function, "__qualname__", repr(function))
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{name} is `async`: a handler is an ordinary function")
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) > 2 or any(one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in parameters):
        raise TypeError(f"{name} has other parameters than a handler's, which are `(task: Task, input: Input)`")
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise TypeError(f"{name}: the type of a parameter is not known: {error}") from error
    makes: list[Make] = []
    for parameter in parameters:
        hint = hints.get(parameter.name, Task if parameter.name == "task" else Variables)
        try:
            makes.append(_argument(hint))
        except TypeError as error:
            raise TypeError(f"{name}: parameter `{parameter.name}`: {error}") from error
    return makes


def _argument(hint: Any) -> Make:
    if hint is Task:
        return lambda host: host.task()
    if hint is Variables:
        return Variables
    if is_dataclass_type(hint):
        return _dataclass(hint)
    origin, arguments = get_origin(hint) or hint, get_args(hint)
    if origin in (dict, Mapping):
        return _dict(reader(arguments[1] if arguments else Any))
    shown = getattr(hint, "__qualname__", hint)
    raise TypeError(f"{shown} is neither `Task` nor what variables can be: a dataclass, `dict[str, …]` or `Variables`")


def _dataclass(kind: type) -> Make:
    fields = [field for field in fields_of(kind) if field.init]
    names = [field.name for field in fields]
    readers: list[Reader] = []
    for field in fields:
        try:
            readers.append(reader(field.hint))
        except TypeError as error:
            raise TypeError(f"{kind.__qualname__}.{field.attribute}: {error}") from error
    optional = [may_be_none(field.hint) for field in fields]

    def make(host: Host) -> Any:
        problems: list[str] = []
        given = {}
        for field, read, is_optional, value in zip(fields, readers, optional, host.get_many(names)):
            where = f"variable `{field.name}`"
            if value is not ABSENT:
                given[field.attribute] = read(value, where, problems)
            elif is_optional and not field.has_default:
                given[field.attribute] = None
            elif not field.has_default:
                # Which type is expected, the reader tells best: it is asked about something that nothing fits.
                told: list[str] = []
                read(ABSENT, where, told)
                expected = told[0].rpartition(", found ")[0] if told else f"{where}: expected a value"
                problems.append(f"{expected}, found no such variable (of the task, or in the manifest's `variables`)")
        if problems:
            raise InputError("; ".join(problems))
        return kind(**given)

    return make


def _dict(read: Reader) -> Make:
    def make(host: Host) -> dict[str, Any]:
        problems: list[str] = []
        names = host.names()
        values = host.get_many(names)
        given = {name: read(value, f"variable `{name}`", problems) for name, value in zip(names, values)}
        if problems:
            raise InputError("; ".join(problems))
        return {name: value for name, value in given.items() if value is not FAILED}

    return make
