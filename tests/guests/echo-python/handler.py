"""Passes on all variables that it receives, each exactly as it came, under new names."""

from fetchlock import Variables, handler


@handler
def handle(input: Variables):
    return {f"echo_{name}": value for name, value in input.items()}
