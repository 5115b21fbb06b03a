"""Modules that the standard library imports only when it needs them, which is too late in a component."""

import importlib

_MODULES = (
    "_strptime",  # datetime.strptime
    "decimal",
    "json",
    "linecache",  # tracebacks
    "tokenize",
    "traceback",
    "urllib.parse",
    # Texts in encodings that documents have.
    "encodings.ascii",
    "encodings.cp1250",
    "encodings.cp1251",
    "encodings.cp1252",
    "encodings.cp437",
    "encodings.cp850",
    "encodings.idna",
    "encodings.iso8859_1",
    "encodings.iso8859_15",
    "encodings.iso8859_2",
    "encodings.latin_1",
    "encodings.utf_16",
    "encodings.utf_16_be",
    "encodings.utf_16_le",
    "encodings.utf_32",
    "encodings.utf_8",
    "encodings.utf_8_sig",
    "encodings.base64_codec",
    "encodings.hex_codec",
)


def load() -> None:
    """Imports them."""
    for name in _MODULES:
        importlib.import_module(name)
