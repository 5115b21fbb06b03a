"""Passes on all variables that it receives, each exactly as it came, under new names."""

from fetchlock import File, Variables, handler


@handler
def handle(input: Variables):
    return {f"echo_{name}": passed_on(value) for name, value in input.items()}


def passed_on(value: object) -> object:
    return copied(value) if isinstance(value, File) else value


def copied(file: File) -> File:
    """The same file, with its content loaded here."""
    return File(file.name, file.load(), mime_type=file.mime_type, encoding=file.encoding)
