"""Lengths of time, as the contract counts them: in milliseconds."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Union

Duration = Union[timedelta, int, float, str]
"""A `timedelta`, a number of seconds, or a text such as `"30s"`, `"1h 30m"`, `"500ms"`, `"PT5M"`."""

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_WORDS = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_ISO = re.compile(
    r"P(?:(?P<d>\d+(?:\.\d+)?)D)?(?:T(?:(?P<h>\d+(?:\.\d+)?)H)?(?:(?P<m>\d+(?:\.\d+)?)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)


def milliseconds(duration: Duration) -> int:
    """The length of time in whole milliseconds."""
    if isinstance(duration, timedelta):
        millis = duration / timedelta(milliseconds=1)
    elif isinstance(duration, str):
        millis = _of_text(duration)
    elif isinstance(duration, (int, float)) and not isinstance(duration, bool):
        millis = duration * 1000
    else:
        raise TypeError(f'a length of time is a timedelta, seconds or a text like "30s", not {duration!r}')
    if millis < 0:
        raise ValueError(f"a length of time is not negative, as {duration!r} is")
    return round(millis)


def _of_text(text: str) -> float:
    iso = _ISO.fullmatch(text.strip().upper())
    if iso:
        parts = [(number, unit) for unit, number in iso.groupdict().items() if number]
    elif _WORDS.sub("", text).strip():
        parts = []
    else:
        parts = _WORDS.findall(text)
    if not parts:
        raise ValueError(f'{text!r} is no length of time: write "30s", "1h 30m", "500ms" or "PT5M"')
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
