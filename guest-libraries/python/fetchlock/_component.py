"""The host of a component: the contract in `wit/`, as componentize-py brings it to Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from componentize_py_types import Err
from wit_world.imports import config, log, outcome, task, variables

from . import _component_engine, _component_http
from ._component_values import moment, read, reason, written
from ._encode import Variable
from ._errors import DecisionError, LockError, ProgressError
from ._host import ABSENT
from ._task import Task

_LEVELS = {
    "trace": log.Level.TRACE,
    "debug": log.Level.DEBUG,
    "info": log.Level.INFO,
    "warn": log.Level.WARN,
    "error": log.Level.ERROR,
}

_SCOPES = {"process": variables.Scope.PROCESS, "local": variables.Scope.LOCAL}


class ComponentHost:
    """The host that runs this component."""

    def task(self) -> Task:
        """The task."""
        context = task.get()
        # The contract's names are those of `Task`; set at once, for a constructor of so many fields takes its time.
        made = object.__new__(Task)
        made.__dict__.update(context.__dict__)
        made.__dict__["extension_properties"] = dict(context.extension_properties)
        made.__dict__["create_time"] = _date(context.create_time)
        return made

    def names(self) -> list[str]:
        """The names of all variables."""
        return variables.names()

    def get_many(self, names: list[str]) -> list[Any]:
        """The values of these variables."""
        return [ABSENT if value is None else read(value) for value in variables.get_many(names)]

    def set_progress(self, given: list[Variable], scope: str) -> None:
        """Sets variables at once."""
        try:
            variables.set_progress(written(given), _SCOPES[scope])
        except Err as error:
            raise ProgressError(*reason(error), what="set_progress") from None

    def complete(self, given: list[Variable], local: list[Variable]) -> None:
        """Completes the task."""
        _decided(outcome.complete, written(given), written(local))

    def fail(
        self,
        message: str,
        details: str | None,
        retry: str | tuple[int, int],
        given: list[Variable],
        local: list[Variable],
    ) -> None:
        """Reports a failure."""
        _decided(outcome.fail, outcome.Failure(message, details, _retry(retry), written(given), written(local)))

    def bpmn_error(self, code: str, message: str | None, given: list[Variable]) -> None:
        """Reports a BPMN error."""
        _decided(outcome.bpmn_error, code, message, written(given))

    def unlock(self, delay: int) -> None:
        """Gives the task back."""
        _decided(outcome.unlock, delay)

    def hand_off(self, duration: int) -> None:
        """Leaves the task to somebody else."""
        _decided(outcome.hand_off, duration)

    def extend_lock(self, duration: int) -> None:
        """Extends the lock."""
        try:
            outcome.extend_lock(duration)
        except Err as error:
            raise LockError(*reason(error), what="extend_lock") from None

    def log(self, level: str, message: str, fields: Sequence[tuple[str, str]]) -> None:
        """Writes a line."""
        log.write(_LEVELS[level], message, list(fields))

    def config(self, key: str) -> str | None:
        """A setting."""
        return config.get(key)

    def config_keys(self) -> list[str]:
        """The names of the settings."""
        return config.keys()

    start_process = staticmethod(_component_engine.start_process)
    correlate_message = staticmethod(_component_engine.correlate_message)
    http = staticmethod(_component_http.exchange)


def _decided(decide: Callable[..., None], *arguments: Any) -> None:
    try:
        decide(*arguments)
    except Err as error:
        raise DecisionError(*reason(error), what="the outcome") from None


def _retry(retry: str | tuple[int, int]) -> Any:
    if isinstance(retry, tuple):
        return outcome.Retry_Exactly(outcome.Retries(*retry))
    if retry == "never":
        return outcome.Retry_Never()
    return outcome.Retry_SystemDown() if retry == "system-down" else outcome.Retry_Policy()


def _date(date: Any) -> datetime | None:
    made = moment(date) if date else None
    return made if isinstance(made, datetime) else None
