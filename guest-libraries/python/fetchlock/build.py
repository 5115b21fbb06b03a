"""Makes the component of a project. `fetchlock build` runs it, in the project's directory:

    python -I fetchlock/build.py --out NAME.wasm [--engine] [--http]

It needs componentize-py, which requirements.txt names, and nothing else.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

REFUSED = 1
"""The exit code if the project's code is to blame."""

UNUSABLE = 2
"""The exit code if something is missing that the build needs."""

INSTALL = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt"
if os.name == "nt":
    INSTALL = r"py -m venv .venv && .venv\Scripts\pip install -r requirements.txt"

SCRIPTS = "Scripts" if os.name == "nt" else "bin"


def main() -> int:
    """Builds, and says with which code to exit."""
    arguments = _arguments()
    library = Path(__file__).resolve().parent
    project = Path.cwd()
    if not (project / "handler.py").is_file():
        return _unusable("handler.py is missing: it has the function under `@handler`")
    if not (library / "wit").is_dir():
        return _unusable("fetchlock/wit is missing: take it from `fetchlock new`")
    tool = _tool(project)
    if tool is None:
        return _unusable(f"componentize-py is missing: run `{INSTALL}`")
    world = _world(arguments.engine, arguments.http)
    print(f"componentize-py: handler.py for the world {world}", flush=True)
    command = [tool, "--quiet", "-d", str(library / "wit"), "-w", world]
    command += ["componentize", "fetchlock.entry", "-p", str(project)]
    if library.parent != project:
        command += ["-p", str(library.parent)]
    command += ["-o", arguments.out]
    done = subprocess.run(command, env=_environment(project), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    if done.returncode == 0 and Path(arguments.out).is_file():
        return 0
    sys.stderr.write(_message(done.stderr.decode(errors="replace") or done.stdout.decode(errors="replace")))
    return REFUSED


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fetchlock/build.py", description="Makes the component of a project.")
    parser.add_argument("--out", required=True, help="where the component is written")
    parser.add_argument("--engine", action="store_true", help="the manifest requests calls of the engine")
    parser.add_argument("--http", action="store_true", help="the manifest requests HTTP")
    return parser.parse_args()


def _world(engine: bool, http: bool) -> str:
    """The smallest world: a component imports all of its world, used or not, and a host must grant what it imports."""
    if engine and http:
        return "handler-with-engine-and-http"
    return "handler-with-engine" if engine else "handler-with-http" if http else "handler"


def _tool(project: Path) -> str | None:
    """componentize-py of the project, of the environment in use, of the path."""
    for environment in (project / ".venv", Path(os.environ.get("VIRTUAL_ENV") or project / ".venv")):
        found = shutil.which("componentize-py", path=str(environment / SCRIPTS))
        if found:
            return found
    return shutil.which("componentize-py")


def _environment(project: Path) -> dict[str, str]:
    """The tool looks for the project's packages where VIRTUAL_ENV says."""
    environment = dict(os.environ)
    if (project / ".venv").is_dir():
        environment["VIRTUAL_ENV"] = str(project / ".venv")
    # Its host's own backtrace tells an author nothing.
    environment["RUST_BACKTRACE"] = "0"
    return environment


def _message(told: str) -> str:
    """Python's message out of what componentize-py puts around it, with the project's paths."""
    lines = told.replace("\r\n", "\n").split("\n")
    starts = [number for number, line in enumerate(lines) if line.startswith("AssertionError: ")]
    if starts:
        lines = lines[starts[0] :]
        lines[0] = lines[0].removeprefix("AssertionError: ")
    for number, line in enumerate(lines):
        if line.startswith(("Caused by:", "Stack backtrace:")):
            lines = lines[:number]
            break
    text = "\n".join(_without_library(lines)).strip()
    text = re.sub(r'File "/\d+/', 'File "', text)
    return re.sub(r"^SystemExit: ", "", text.removeprefix("Traceback (most recent call last):\nSystemExit: ")) + "\n"


def _without_library(lines: list[str]) -> list[str]:
    """Without the frame of `fetchlock/entry.py` that imports the handler, in front of what is the author's."""
    kept: list[str] = []
    skipping = False
    for line in lines:
        if line.startswith('  File "'):
            skipping = bool(re.match(r'  File "/\d+/fetchlock/entry\.py"', line))
        elif not line.startswith("    "):
            skipping = False
        if not skipping:
            kept.append(line)
    return kept


def _unusable(text: str) -> int:
    print(text, file=sys.stderr)
    return UNUSABLE


if __name__ == "__main__":
    sys.exit(main())
