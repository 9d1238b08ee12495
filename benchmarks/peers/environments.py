"""An environment for each system, made once and kept beside the sources; git ignores them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.peers.systems import System

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".venv-peers"
NEWEST = (3, 14)


class CannotInstall(Exception):
    """A system cannot be installed here; the message says why."""


def python_of(system: System) -> Path:
    """Return the interpreter of a system's environment, which is made if it is not there."""
    if not system.packages:
        return Path(sys.executable)
    return python_with(KEPT / system.name, system.packages, system.python)


def python_with(home: Path, packages: tuple[str, ...], python: tuple[int, int]) -> Path:
    """Return the interpreter of an environment that has these packages, made if need be."""
    ready = home / "packages"
    wanted = "\n".join(packages)
    if not ready.exists() or ready.read_text() != wanted:
        _install(home, packages, python)
        ready.write_text(wanted)
    return home / "bin" / "python"


def _install(home: Path, packages: tuple[str, ...], oldest: tuple[int, int]) -> None:
    python = next(_interpreters(oldest), None)
    if python is None:
        raise CannotInstall(f"it needs Python {'.'.join(map(str, oldest))} or later")
    _run(python, "-m", "venv", "--clear", str(home))
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    _run(*pip, "--disable-pip-version-check", *packages)


def _interpreters(oldest: tuple[int, int]) -> Iterator[str]:
    """Yield what can be run as this version of Python or a later one, this interpreter first."""
    if sys.version_info[:2] >= oldest:
        yield sys.executable
    for minor in range(oldest[1], NEWEST[1] + 1):
        found = shutil.which(f"python{oldest[0]}.{minor}")
        # A shim of a version manager is there for versions that are not chosen, and fails then.
        if (
            found
            and subprocess.run([found, "-V"], capture_output=True, check=False).returncode == 0
        ):
            yield found
        yield from map(str, sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python")))


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit {done.returncode}"]
        raise CannotInstall(last[0])
