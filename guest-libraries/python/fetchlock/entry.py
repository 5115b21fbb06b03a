"""What componentize-py makes a component of. It runs at build time; of what runs then, the component is a picture.

The user's module is imported here, so that everything is there when the first task comes: in a component there are no
files to import from.
"""

import gc
import os
import sys

import componentize_py_types
import wit_world

from . import _invoke, _preload, _traceback, _warm, log
from ._component import ComponentHost
from ._errors import DecisionError

log.install()

import handler  # noqa: E402  the user's, which may change what `install` has set


def _find() -> _invoke.Invocation:
    found = {name: value for name, value in vars(handler).items() if _invoke.is_handler(value)}
    if len({id(value) for value in found.values()}) != 1:
        what = "two functions, " + " and ".join(sorted(found)) if found else "no function"
        raise SystemExit(f"handler.py has {what} under `@handler`: expected exactly one")
    try:
        return _invoke.Invocation(next(iter(found.values())))
    except TypeError as error:
        raise SystemExit(f"handler.py: {error}") from None


_SEED_BYTES = 16
"""No task's numbers can be guessed from another's."""

_RANDOM = sys.modules.get("random")
"""The module, if anybody has imported it."""

_HOST = ComponentHost()
_INVOCATION = _find()
_preload.load()
_warm.warm()
_traceback.keep_sources()
# Nothing of this is garbage, so that the collector need not look at it for each task.
gc.collect()
gc.freeze()


class WitWorld(wit_world.WitWorld):
    """The component's exports."""

    def handle(self) -> None:
        """Handles one task."""
        if _RANDOM is not None:
            # Else each task would see the same numbers. So few bytes do, and cost a tenth of what `seed()` reads.
            _RANDOM.seed(os.urandom(_SEED_BYTES))
        try:
            _INVOCATION.run(_HOST)
        except DecisionError as error:
            raise componentize_py_types.Err(str(error)) from None
