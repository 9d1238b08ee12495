"""Processes of a measured system: started with its script, watched from outside, and ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.peers.environments import ROOT

SCRIPTS = Path(__file__).parent / "scripts"
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PATIENCE = 600.0  # seconds for a script that enqueues


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is asked of a system; the same fields as `Shape` in scripts/side.py."""

    count: int
    settings: Literal["best", "default"] = "best"
    kind: Literal["sync", "async"] = "sync"
    concurrency: int | None = None
    job: Literal["count", "sleep"] = "count"
    in_flight: int = 50
    types: int = 5
    queues: int = 1


@dataclass(frozen=True, slots=True)
class Script:
    """A system's script in its environment, and where handlers write down their hits."""

    python: Path
    name: str
    redis_url: str
    hits: Path

    def run(self, verb: str, work: Work) -> float:
        """Enqueue something, and return for how many seconds the calls took."""
        done = subprocess.run(
            self._words(verb),
            env=self._environment(work),
            cwd=SCRIPTS,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            last = done.stderr.strip()[-2000:] or "and said nothing"
            raise RuntimeError(f"{self.name} {verb} ended with {done.returncode}: {last}")
        answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return answer["seconds"]

    def start(self, work: Work) -> WorkerProcess:
        """Start one worker."""
        log = self.hits.with_name(f"{self.name}.log")
        with log.open("ab") as output:
            popen = subprocess.Popen(
                self._words("work"),
                env=self._environment(work),
                cwd=SCRIPTS,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return WorkerProcess(popen, log)

    def _words(self, verb: str) -> list[str]:
        return [str(self.python), str(SCRIPTS / f"{self.name}.py"), verb]

    def _environment(self, work: Work) -> dict[str, str]:
        own = self.python.parent
        return {
            "PATH": f"{own}{os.pathsep}{os.environ.get('PATH', '')}",
            "HOME": os.environ.get("HOME", "/"),
            "PYTHONPATH": f"{SCRIPTS}{os.pathsep}{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "REDIS_URL": self.redis_url,
            "HITS": str(self.hits),
            "SHAPE": json.dumps(asdict(work)),
        }


class WorkerProcess:
    """A worker with everything that it started."""

    def __init__(self, popen: subprocess.Popen[Any], log: Path) -> None:
        self._popen = popen
        self._log = log

    def check(self) -> None:
        """Raise if it has ended by itself."""
        if self._popen.poll() is not None:
            said = self._log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"a worker ended with {self._popen.returncode}:\n{said}")

    def cpu_seconds(self) -> float:
        """Return the processor time of the whole tree, of what has ended too."""
        total = 0
        for pid in self._tree():
            with suppress(OSError):
                fields = _stat(pid)
                total += sum(int(each) for each in fields[11:15])  # own and ended children's
        return total / TICK

    def resident_bytes(self) -> int:
        """Return the resident memory of the whole tree; pages that forks share count twice."""
        total = 0
        for pid in self._tree():
            with suppress(OSError):
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        return total

    @contextmanager
    def stopped(self) -> Generator[None]:
        """Let all of it stand still meanwhile."""
        os.killpg(self._popen.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._popen.pid, signal.SIGCONT)

    def end(self) -> None:
        """Kill it, and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()

    def _tree(self) -> list[int]:
        """List the processes of its session."""
        found: list[int] = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                with suppress(OSError):
                    if int(_stat(int(entry.name))[3]) == self._popen.pid:
                        found.append(int(entry.name))
        return found


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat behind the name, which may have blanks."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
