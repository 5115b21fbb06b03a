"""The plugin's settings, from the `[config]` table of its manifest, and the secrets granted to it.

They are not there when the component is built: read them in the handler, not at the top level of a module.
"""

from __future__ import annotations

from typing import overload

from ._host import current


@overload
def get(key: str) -> str | None: ...
@overload
def get(key: str, default: str) -> str: ...
def get(key: str, default: str | None = None) -> str | None:
    """One setting, or the default."""
    value = current(f"config.get({key!r})").config(key)
    return default if value is None else value


def required(key: str) -> str:
    """One setting. Raises `KeyError`, which names it, if it is missing."""
    value = current(f"config.required({key!r})").config(key)
    if value is None:
        raise MissingSetting(f"config `{key}` is missing: set it in the `[config]` table of the manifest")
    return value


def keys() -> list[str]:
    """The names of all settings, sorted."""
    return current("config.keys()").config_keys()


class MissingSetting(KeyError):
    """A setting that is required is missing."""

    def __str__(self) -> str:
        return str(self.args[0])
