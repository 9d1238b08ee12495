"""`jobkit` as a process of its own, and what it says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

PATIENCE = 20.0  # seconds; what is waited for takes less than one, on a machine that is not busy
ROOT = Path(__file__).parents[2]


class Command:
    """One run of `jobkit ...`, in the folder of the checkout, with a clean environment."""

    def __init__(self, *arguments: str, start: tuple[str, ...] = (), **environ: str) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("JOBKIT_")}
        self._process = subprocess.Popen(
            [sys.executable, *(start or ("-m", "jobkit.cli")), *arguments],
            cwd=ROOT,
            env={**clean, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: list[str] = []
        self._has_ended = False
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # does nothing if it has ended
        self._process.wait()
        self._reader.join(PATIENCE)
        assert self._process.stdout is not None  # a pipe, above
        self._process.stdout.close()

    @property
    def output(self) -> str:
        """Everything that it has said."""
        return "\n".join(self._lines)

    def says(self, text: str, *, times: int = 1) -> str:
        """Wait for so many lines with this text, and return the first."""

        def found() -> bool:
            return sum(text in line for line in self._lines) >= times

        with self._said:
            ended_or_found = self._said.wait_for(lambda: found() or self._has_ended, PATIENCE)
            assert ended_or_found, f"{text!r} was not said within {PATIENCE} s:\n{self.output}"
            assert found(), f"it ended without saying {text!r}:\n{self.output}"
            return next(line for line in self._lines if text in line)

    def interrupt(self) -> None:
        """Send what Ctrl-C sends."""
        self._process.send_signal(signal.SIGINT)

    def terminate(self) -> None:
        """Send what a service manager sends."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send what nobody can heed."""
        self._process.kill()

    def code(self) -> int:
        """Wait until it has ended and all that it said is read; return its exit code."""
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end within {PATIENCE} s:\n{self.output}") from None
        self._reader.join(PATIENCE)
        return code

    def _read(self) -> None:
        assert self._process.stdout is not None  # a pipe, above
        for line in self._process.stdout:
            with self._said:
                self._lines.append(line.rstrip("\n"))
                self._said.notify_all()
        with self._said:
            self._has_ended = True
            self._said.notify_all()
