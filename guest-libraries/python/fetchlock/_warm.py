"""A first invocation, made when the component is built, so that no task has to be the one that everything is new to."""

from __future__ import annotations

from dataclasses import dataclass

from . import log
from ._component_values import written
from ._encode import variables_of
from ._invoke import Invocation
from ._task import Task
from .testing import TestHost

_TIMES = 20
"""So often is code run until the interpreter has adapted it to what it deals with."""


@dataclass
class _Input:
    number: float
    text: str
    perhaps: int | None = None


@dataclass
class _Output:
    flag: bool
    text: str
    number: float


def _handle(task: Task, input: _Input) -> _Output:
    log.info("warm", number=input.number)
    return _Output(True, task.id, input.number)


def warm() -> None:
    """Handles a made-up task with a made-up handler."""
    invocation = Invocation(_handle)
    for _ in range(_TIMES):
        host = TestHost({"number": 1, "text": "a"})
        invocation.run(host)
        written(variables_of({"flag": True, "text": "a", "number": 1.5, "whole": 1, "document": {"a": [1]}}))
