"""Handlers run without a host, for tests of their authors.

    from fetchlock import Complete
    from fetchlock.testing import run

    def test_a_small_order_is_approved():
        assert run(handle, {"amount": 42}) == Complete({"approved": True})

`fetchlock test` runs the component itself, with cases in files; this here is Python only, and quick.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from . import log as _log
from ._encode import Variable, variables_of
from ._errors import DecisionError, LoadError
from ._file import File
from ._host import ABSENT
from ._invoke import Invocation
from ._outcome import BpmnError, Complete, Failure, HandOff, Outcome, Retries, Unlock
from ._task import Task
from ._values import Transient
from .engine import Instance, Message, ProcessStart
from .http import Request, Response

DEFAULT_TASK = Task(
    id="task-1",
    topic="test",
    activity_id="activity",
    activity_instance_id="activity-1",
    execution_id="execution-1",
    process_instance_id="process-1",
    process_definition_id="definition-1",
    process_definition_key="process",
    worker_id="worker-1",
)
"""The task, where a test says nothing else."""


class LogLine(NamedTuple):
    """A line of the handler's log."""

    level: str
    """`trace`, `debug`, `info`, `warn` or `error`."""
    message: str
    """What it says."""
    fields: dict[str, str]
    """Its fields."""


class TestHost:
    """A host with the task and variables of one test, which keeps what the handler does.

    Calls of other systems are answered by the functions that are given; one for which there is none fails the test.
    """

    __test__ = False  # pytest would take it for a test

    def __init__(
        self,
        variables: Any = None,
        *,
        task: Task | Mapping[str, Any] | None = None,
        config: Mapping[str, str] | None = None,
        http: Callable[[Request], Response] | None = None,
        start_process: Callable[[ProcessStart], Instance] | None = None,
        correlate_message: Callable[[Message], list[Instance]] | None = None,
    ) -> None:
        """Variables are plain values, as a handler returns them; a `File` is loaded lazily, as in the engine."""
        self._task = task if isinstance(task, Task) else dataclasses.replace(DEFAULT_TASK, **(task or {}))
        self._given = {variable.name: variable.value for variable in variables_of(variables)}
        self._config = {key: str(value) for key, value in (config or {}).items()}
        self._answers = {"http": http, "start_process": start_process, "correlate_message": correlate_message}
        self._unanswered: AssertionError | None = None
        self.outcome: Outcome | None = None
        """What was decided."""
        self.log_lines: list[LogLine] = []
        """The log."""
        self.progress: list[dict[str, Any]] = []
        """The variables of each `set_progress`."""
        self.lock_extensions: list[int] = []
        """The milliseconds of each `extend_lock`."""
        self.loaded: list[str] = []
        """The variables whose files were loaded."""

    def run(self, function: Callable[..., Any]) -> Outcome:
        """Runs a handler. Raises `AssertionError` if it calls what the test has no answer for."""
        installed = _log.install()
        try:
            Invocation(function).run(self)
        finally:
            _log.uninstall(installed)
        if self._unanswered is not None:
            raise self._unanswered
        assert self.outcome is not None
        return self.outcome

    # What follows is what the library asks of a host.

    def task(self) -> Task:
        """The task."""
        return self._task

    def names(self) -> list[str]:
        """The names of all variables."""
        return sorted(self._given)

    def get_many(self, names: list[str]) -> list[Any]:
        """The values of these variables."""
        return [self._received(name) for name in names]

    def _received(self, name: str) -> Any:
        value = self._given.get(name, ABSENT)
        if isinstance(value, File):
            return File._of_variable(name, self._load, value.name, value.mime_type, value.encoding)
        return value

    def _load(self, name: str) -> bytes:
        if not isinstance(self._given.get(name), File):
            raise LoadError("unknown", what=f"the content of the variable `{name}`")
        self.loaded.append(name)
        content: bytes = self._given[name].load()
        return content

    def set_progress(self, variables: list[Variable], scope: str) -> None:
        """Keeps progress."""
        self.progress.append(_by_name(variables))

    def extend_lock(self, duration: int) -> None:
        """Keeps an extension of the lock."""
        self.lock_extensions.append(duration)

    def log(self, level: str, message: str, fields: Sequence[tuple[str, str]]) -> None:
        """Keeps a line."""
        self.log_lines.append(LogLine(level, message, dict(fields)))

    def config(self, key: str) -> str | None:
        """A setting."""
        return self._config.get(key)

    def config_keys(self) -> list[str]:
        """The names of the settings."""
        return sorted(self._config)

    def complete(self, variables: list[Variable], local_variables: list[Variable]) -> None:
        """Completes the task."""
        self._decide(Complete(_by_name(variables), _by_name(local_variables)))

    def fail(
        self,
        message: str,
        details: str | None,
        retry: str | tuple[int, int],
        variables: list[Variable],
        local_variables: list[Variable],
    ) -> None:
        """Reports a failure."""
        # The delay in seconds, as an author mostly gives it.
        asked: Any = Retries(retry[0], retry[1] / 1000) if isinstance(retry, tuple) else retry
        local = _by_name(local_variables)
        self._decide(Failure(message, details, retry=asked, variables=_by_name(variables), local_variables=local))

    def bpmn_error(self, code: str, message: str | None, variables: list[Variable]) -> None:
        """Reports a BPMN error."""
        self._decide(BpmnError(code, message, _by_name(variables)))

    def unlock(self, delay: int) -> None:
        """Gives the task back."""
        self._decide(Unlock(delay / 1000))

    def hand_off(self, duration: int) -> None:
        """Leaves the task to somebody else."""
        self._decide(HandOff(duration / 1000))

    def _decide(self, outcome: Outcome) -> None:
        if self.outcome is not None:
            raise DecisionError("already-decided")
        self.outcome = outcome

    def start_process(self, start: ProcessStart) -> Instance:
        """Starts a process instance."""
        return self._answer("start_process", start, f"the start of the process `{start.key}`")  # type: ignore[no-any-return]

    def correlate_message(self, message: Message) -> list[Instance]:
        """Sends a message."""
        return self._answer("correlate_message", message, f"the message `{message.name}`")  # type: ignore[no-any-return]

    def http(self, request: Request) -> Response:
        """Answers a request."""
        return self._answer("http", request, repr(request))  # type: ignore[no-any-return]

    def _answer(self, kind: str, asked: Any, shown: str) -> Any:
        answer = self._answers[kind]
        if answer is None:
            self._unanswered = AssertionError(f"the test has no answer for {shown}: give one with `{kind}=`")
            raise self._unanswered
        return answer(asked)


def run(function: Callable[..., Any], variables: Any = None, **given: Any) -> Outcome:
    """Runs a handler with these variables and returns its outcome. What else can be given, `TestHost` says.

    The variables of the outcome are as the engine gets them: dataclasses and lists are `Json`, which is equal to plain
    values of the same content.
    """
    return TestHost(variables, **given).run(function)


def _by_name(variables: list[Variable]) -> dict[str, Any]:
    return {name: Transient(value) if transient else value for name, value, transient in variables}
