"""Lines for the host's log, with fields: `log.info("order checked", items=3)`.

The standard `logging` works too and comes out at the same place: `extra={"items": 3}` are its fields. Its root logger is
at `INFO` unless the handler's module says otherwise.
"""

from __future__ import annotations

import logging
from typing import Any

from ._host import current, running
from ._traceback import text_of

_TRACE = 5
"""Below `logging.DEBUG`, which is 10."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def trace(message: object, **fields: Any) -> None:
    """Every step, for the author while something is searched for."""
    _write("trace", message, fields)


def debug(message: object, **fields: Any) -> None:
    """What helps to find a mistake."""
    _write("debug", message, fields)


def info(message: object, **fields: Any) -> None:
    """What happened, in the ordinary course."""
    _write("info", message, fields)


def warn(message: object, **fields: Any) -> None:
    """Something that somebody should look at some day."""
    _write("warn", message, fields)


def error(message: object, **fields: Any) -> None:
    """Something that somebody has to look at."""
    _write("error", message, fields)


def _write(level: str, message: object, fields: dict[str, Any]) -> None:
    current(f"log.{level}").log(level, str(message), [(name, str(value)) for name, value in fields.items()])


class HostLogHandler(logging.Handler):
    """Brings what is logged with `logging` to the host; what is logged where no task is handled goes to nobody."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record."""
        host = running.get()
        if host is None:
            return
        try:
            fields = [(name, str(value)) for name, value in vars(record).items() if name not in _STANDARD]
            if record.name != "root":
                fields.append(("logger", record.name))
            if record.exc_info and record.exc_info[1]:
                fields.append(("traceback", text_of(record.exc_info[1])))
            host.log(_level(record.levelno), record.getMessage(), fields)
        except Exception:
            self.handleError(record)


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    if number >= logging.INFO:
        return "info"
    return "debug" if number > _TRACE else "trace"


def install() -> HostLogHandler:
    """Adds the handler to the root logger, whose level becomes `INFO` if it is still the default."""
    root = logging.getLogger()
    for present in root.handlers:
        if isinstance(present, HostLogHandler):
            return present
    added = HostLogHandler()
    root.addHandler(added)
    if root.level == logging.WARNING:
        root.setLevel(logging.INFO)
    return added


def uninstall(handler: logging.Handler) -> None:
    """Takes the handler away again, after a test."""
    logging.getLogger().removeHandler(handler)
