"""What a handler's host can do: the component's real one, or the one of a test."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from ._encode import Variable
from ._errors import NotRunningError
from ._task import Task

if TYPE_CHECKING:
    from .engine import Instance, Message, ProcessStart
    from .http import Request, Response


class Host(Protocol):
    """The contract (`wit/`), in values of Python. Values are in the forms of `_encode.FORMS`."""

    def task(self) -> Task: ...

    def names(self) -> list[str]: ...

    def get_many(self, names: list[str]) -> list[Any]:
        """The values of these variables; `ABSENT` where there is none."""
        ...

    def set_progress(self, variables: list[Variable], scope: str) -> None: ...

    def complete(self, variables: list[Variable], local_variables: list[Variable]) -> None: ...

    def fail(
        self,
        message: str,
        details: str | None,
        retry: str | tuple[int, int],
        variables: list[Variable],
        local_variables: list[Variable],
    ) -> None:
        """Fails. A `retry` of two numbers is exactly these: the retries left, and milliseconds to wait."""
        ...

    def bpmn_error(self, code: str, message: str | None, variables: list[Variable]) -> None: ...

    def unlock(self, delay: int) -> None: ...

    def hand_off(self, duration: int) -> None: ...

    def extend_lock(self, duration: int) -> None: ...

    def log(self, level: str, message: str, fields: Sequence[tuple[str, str]]) -> None: ...

    def config(self, key: str) -> str | None: ...

    def config_keys(self) -> list[str]: ...

    def start_process(self, start: ProcessStart) -> Instance: ...

    def correlate_message(self, message: Message) -> list[Instance]: ...

    def http(self, request: Request) -> Response: ...


class Absent:
    """The type of `ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()
"""Stands for a variable that the task does not have."""

running: ContextVar[Host | None] = ContextVar("fetchlock_host", default=None)
"""The host of the invocation that runs."""


def current(what: str) -> Host:
    """The host of the invocation that runs. Raises `NotRunningError`, which says what was asked for too early."""
    host = running.get()
    if host is None:
        raise NotRunningError(
            f"{what} was called where no task is handled. What stands at the top level of a module runs once, when the "
            "component is built, and is part of it as it is then: call it in the handler (in a test, through "
            "`fetchlock.testing.run`)"
        )
    return host
