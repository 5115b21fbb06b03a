"""One invocation: arguments made, the handler called, exactly one decision."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

from . import _input
from ._duration import milliseconds
from ._encode import variables_of
from ._errors import DecisionError, InputError, NotRunningError, VariableError
from ._host import Host, running
from ._outcome import BpmnError, Complete, Failure, HandOff, Outcome, Retries, Retry, Unlock
from ._traceback import text_of

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__fetchlock_handler__"

_OUTCOMES = (Complete, BpmnError, Failure, Unlock, HandOff)


def handler(function: F) -> F:
    """Says that this function handles the tasks: `@handler`, once in `handler.py`.

    It is called with the task and the variables, as its parameters are declared (either may be left out). What it
    returns are the variables of a completed task (a dict or a dataclass; nothing: none) or another `Outcome`. An
    exception is a failure under the retry policy, with its traceback as details; `BpmnError` and `Failure` say more.
    """
    setattr(function, _MARK, True)
    return function


def is_handler(value: object) -> bool:
    """Whether this is a function under `@handler`."""
    return callable(value) and getattr(value, _MARK, False) is True


class Invocation:
    """A handler, ready to be called. Raises `TypeError` for a function that cannot be one."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._arguments = _input.arguments_of(function)

    def run(self, host: Host) -> None:
        """Handles the host's task. Raises `DecisionError` if the host did not accept even a failure."""
        token = running.set(host)
        try:
            try:
                result = self._function(*[make(host) for make in self._arguments])
                _decide(host, result)
            except (Exception, SystemExit, KeyboardInterrupt) as error:
                _decide_failed(host, error)
        finally:
            running.reset(token)
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()


def _decide(host: Host, result: Any) -> None:
    try:
        if isinstance(result, _OUTCOMES):
            _decide_said(host, result)
        else:
            host.complete(variables_of(result), [])
    except DecisionError as error:
        if error.kind != "already-decided":
            raise
        if result is not None:
            host.log("warn", "the handler has decided before: what it returned is ignored", [])


def _decide_said(host: Host, outcome: Outcome) -> None:
    if isinstance(outcome, Complete):
        host.complete(variables_of(outcome.variables), variables_of(outcome.local_variables))
    elif isinstance(outcome, Unlock):
        host.unlock(milliseconds(outcome.delay))
    elif isinstance(outcome, HandOff):
        host.hand_off(milliseconds(outcome.duration))
    else:
        _decide_raised(host, outcome)


def _decide_failed(host: Host, error: BaseException) -> None:
    try:
        try:
            if isinstance(error, DecisionError):
                raise error
            _decide_raised(host, error)
        except DecisionError as refused:
            if refused.kind != "invalid":
                raise
            text = f"the handler's outcome is not acceptable: {refused.text}"
            host.fail(text, text_of(error), "policy", [], [])
        except (TypeError, ValueError) as refused:
            text = f"the handler's outcome is not acceptable: {refused}"
            host.fail(text, text_of(refused), "policy", [], [])
    except DecisionError as refused:
        if refused.kind != "already-decided":
            raise
        told = text_of(error)
        host.log("error", f"the handler has decided before, and raised: {summary(error)}", [("traceback", told)])


def _decide_raised(host: Host, error: BaseException) -> None:
    if isinstance(error, BpmnError):
        host.bpmn_error(error.code, error.message, variables_of(error.variables))
    elif isinstance(error, Failure):
        details = error.details
        if details is None and error.__traceback__ is not None:
            details = text_of(error)
        local = variables_of(error.local_variables)
        host.fail(error.message, details, _retry(error.retry), variables_of(error.variables), local)
    elif isinstance(error, InputError):
        host.fail(str(error), None, "policy", [], [])
    else:
        host.fail(summary(error), text_of(error), "policy", [], [])


def _retry(retry: Retry) -> str | tuple[int, int]:
    return (retry.left, milliseconds(retry.delay)) if isinstance(retry, Retries) else retry


def summary(error: BaseException) -> str:
    """An exception in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, ModuleNotFoundError):
        text += " (a component has the modules that are imported at the top level of `handler.py`, and no others)"
    name = type(error).__qualname__
    if not text:
        return name
    return text if isinstance(error, (NotRunningError, VariableError)) else f"{name}: {text}"
