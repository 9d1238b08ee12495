"""The worker processes of a trace check, started, stopped and killed by whoever makes the load."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from benchmarks.tracing.jobtypes import TYPES
from benchmarks.tracing.link import RecorderServer, Stop, TakeOverFrom
from benchmarks.tracing.recorder import Recorder
from benchmarks.tracing.trace import Began, Killed
from benchmarks.tracing.worker import Asked, Plan

PATIENCE = 30.0  # seconds for a process to begin, on a busy machine


class Nursery:
    """The process that forks workers; see `worker`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.tracing.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ask(self, asked: Asked) -> dict[str, Any]:
        """Have one thing done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(asked) + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the process that forks the workers is gone")
        return msgspec.json.decode(answer, type=dict[str, Any])

    def close(self) -> None:
        """End it, when its workers have ended."""
        with suppress(OSError):
            self._process.communicate(timeout=PATIENCE)


@dataclass(frozen=True)
class Member:
    """One worker process."""

    sender: str
    pid: int


class Crew:
    """Worker processes of a few kinds, some of which do not serve all types and queues."""

    def __init__(
        self,
        recorder: Recorder,
        server: RecorderServer,
        *,
        path: str,
        redis_url: str,
        namespace: str,
        lease: float,
        dice: Random,
    ) -> None:
        self.living: list[Member] = []
        self.kills = 0
        self._leaving: list[Member] = []
        self._recorder = recorder
        self._server = server
        self._path = path
        self._redis_url = redis_url
        self._namespace = namespace
        self._lease = lease
        self._dice = dice
        self._nursery = Nursery()
        self._started = 0

    def start(self) -> Member:
        """Start one more."""
        self._started += 1
        plan = self._plan(f"process {self._started}")
        member = Member(plan.sender, self._nursery.ask(Asked("start", plan=plan))["pid"])
        self.living.append(member)
        return member

    def wait_until_begun(self) -> None:
        """Wait until all that live take orders."""
        for member in self.living:
            self._server.wait_for(member.sender, PATIENCE)

    def kill(self, member: Member, *, heir: Member | None) -> None:
        """Kill one, and tell another to take over what it held; else its leases run out."""
        self.living.remove(member)
        self._nursery.ask(Asked("kill", pid=member.pid))
        self.kills += 1
        worker = self._worker_of(member)
        if worker is None:  # it had not begun
            return
        self._recorder.say(Killed(worker=worker))
        if heir is not None:
            self._server.wait_for(heir.sender, PATIENCE)
            self._server.order(heir.sender, TakeOverFrom(worker))

    def stop(self, member: Member, seconds: float) -> None:
        """Tell one to shut down, and do not wait for it."""
        self._server.wait_for(member.sender, PATIENCE)
        self.living.remove(member)
        self._leaving.append(member)
        self._server.order(member.sender, Stop(seconds))

    def stop_all(self) -> list[str]:
        """Shut all down, wait for that, and return a sentence for each that ended with an error."""
        for member in list(self.living):
            self.stop(member, 5)
        leaving, self._leaving = self._leaving, []
        codes = {
            each.sender: self._nursery.ask(Asked("wait", pid=each.pid))["code"] for each in leaving
        }
        return [f"{sender} ended with {code}" for sender, code in codes.items() if code]

    def close(self) -> None:
        """Kill what is left; nothing is, if all went well."""
        for member in [*self.living, *self._leaving]:
            with suppress(RuntimeError, OSError):
                self._nursery.ask(Asked("kill", pid=member.pid))
        self._nursery.close()

    def _worker_of(self, member: Member) -> str | None:
        begun = (entry for entry in list(self._recorder.trace) if isinstance(entry, Began))
        return next((each.worker for each in begun if each.sender == member.sender), None)

    def _plan(self, sender: str) -> Plan:
        dice = self._dice
        kind = self._started % 3  # the first kind serves everything, so that nothing is left
        without = dice.sample([each.__name__ for each in TYPES], 3) if kind == 2 else []
        queues = {"default": 3, "mail": 2, "bulk": 1}
        if kind == 0:
            queues = dict(dice.sample(sorted(queues.items()), 2))
        return Plan(
            sender=sender,
            path=self._path,
            redis_url=self._redis_url,
            namespace=self._namespace,
            queues=queues,
            strict=kind == 2,
            concurrency=dice.choice((1, 4, 8)),
            prefetch=dice.choice((0, 0, 4)),
            lease=self._lease,
            without=tuple(without),
            declares=kind == 1,
        )
