"""Running a program in a copy of the sources, with an end to it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

COPIED = ("jobkit", "jobkit_testing", "tests", "benchmarks", "examples")
ROOT = Path(__file__).parents[2]


def copy_sources(to: Path, *, source: Path = ROOT) -> None:
    """Copy what tests need, and what was compiled of it: that is known by its source's time."""
    for name in COPIED:
        shutil.copytree(source / name, to / name)
    shutil.copy2(source / "pyproject.toml", to)


def run_python(
    words: Sequence[str], *, at: Path, variables: Mapping[str, str], timeout: float, output: Path
) -> int | None:
    """Run an interpreter in a copy; return its exit code, None if it did not end in time.

    Whatever it started ends with it: servers, workers, and itself if it hangs.
    """
    environment = {**os.environ, "PYTHONPATH": str(at), **variables}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a copy of what is compiled starts faster
    with output.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=at,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
