'''Handlers for Fetchlock in Python.

    from dataclasses import dataclass
    from fetchlock import BpmnError, Task, config, handler

    @dataclass
    class Input:
        amount: float
        customer: str

    @dataclass
    class Output:
        approved: bool

    @handler
    def handle(task: Task, input: Input) -> Output:
        if input.amount > float(config.get("limit", "1000")):
            raise BpmnError("TOO_MUCH", f"{input.amount} is too much for {input.customer}")
        return Output(approved=True)

What stands at the top level of a module runs **once, when the component is built**, and not for each task: the component
is a picture of the interpreter after `handler.py` was imported. Each task gets a fresh copy of it, unless the manifest
sets `reuse`.
'''

from . import config, engine, http, log
from ._calls import extend_lock, set_progress
from ._decode import Raw
from ._duration import Duration
from ._errors import DecisionError, HostError, InputError, LoadError, LockError, NotRunningError, ProgressError, VariableError
from ._fields import Name
from ._file import File
from ._input import Variables
from ._invoke import handler
from ._outcome import BpmnError, Complete, Failure, HandOff, Outcome, Retries, Retry, Unlock
from ._task import Task
from ._values import Date, Double, Json, Long, Null, ObjectValue, Other, Short, Transient, Xml, type_name

__all__ = [
    "BpmnError",
    "Complete",
    "Date",
    "DecisionError",
    "Double",
    "Duration",
    "Failure",
    "File",
    "HandOff",
    "HostError",
    "InputError",
    "Json",
    "LoadError",
    "LockError",
    "Long",
    "Name",
    "NotRunningError",
    "Null",
    "ObjectValue",
    "Other",
    "Outcome",
    "ProgressError",
    "Raw",
    "Retries",
    "Retry",
    "Short",
    "Task",
    "Transient",
    "Unlock",
    "VariableError",
    "Variables",
    "Xml",
    "config",
    "engine",
    "extend_lock",
    "handler",
    "http",
    "log",
    "set_progress",
    "type_name",
]

for _public in list(globals().values()):
    if isinstance(_public, type) and issubclass(_public, Exception):
        _public.__module__ = __name__  # what tracebacks call them
