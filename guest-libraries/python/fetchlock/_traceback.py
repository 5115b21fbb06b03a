"""Tracebacks as a handler's author reads them: with lines of the source, in the project's paths."""

from __future__ import annotations

import linecache
import os
import sys
import traceback
from types import ModuleType

_LIBRARY = os.path.dirname(__file__) + os.sep


def keep_sources() -> None:
    """Keeps the text of all modules imported so far, for there are no files where a component runs."""
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(module, ModuleType) and isinstance(path, str) and path.endswith(".py") and _is_of_project(path):
            lines = linecache.getlines(path)
            if lines:
                # Without a time of change an entry is not compared with the file.
                linecache.cache[path] = (sum(map(len, lines)), None, lines, path)


def text_of(error: BaseException) -> str:
    """The traceback, without frames of this library that tell nobody anything."""
    shown = traceback.TracebackException.from_exception(error, compact=True)
    _tidy(shown)
    return "".join(shown.format()).rstrip()


def _tidy(shown: traceback.TracebackException) -> None:
    seen = [shown]
    while seen:
        one = seen.pop()
        # Of the library's own frames only where it raised something itself.
        one.stack[:] = [
            frame for frame in one.stack if not frame.filename.startswith(_LIBRARY) or frame is one.stack[-1]
        ]
        for frame in one.stack:
            _ = frame.line  # read while the name is that of the kept source
            frame.filename = _in_project(frame.filename)
        seen += [other for other in (one.__cause__, one.__context__) if other is not None]
        seen += getattr(one, "exceptions", None) or []


def _is_of_project(path: str) -> bool:
    return _in_project(path) != path


def _in_project(path: str) -> str:
    """Without the directory of the build, in which modules lie as `/0/handler.py`."""
    for folder in sys.path:
        if len(folder) > 1 and folder[1:].isdigit() and path.startswith(folder + "/"):
            return path[len(folder) + 1 :]
    return path
