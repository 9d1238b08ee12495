"""Worker processes for the trace check, made by one process that has imported everything.

python -m benchmarks.tracing.worker

Reads one line of JSON for each thing to do and answers each with one line: `start` forks a
worker and gives its pid, `kill` and `wait` give how that pid ended. A fork takes milliseconds
where a new interpreter takes half a second, so that there is time to kill many.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from datetime import timedelta
from typing import Any, Literal

import msgspec

from benchmarks.tracing import jobtypes
from benchmarks.tracing.backend import TracedJobs
from benchmarks.tracing.handlers import Scripted
from benchmarks.tracing.jobtypes import TYPES
from benchmarks.tracing.link import AsyncRemoteStore, Order, RemoteStore, Stop, TakeOverFrom
from benchmarks.tracing.trace import Complained, Stopped


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker process is to be. `without`: names of types that it has no handler for."""

    sender: str
    path: str
    redis_url: str
    namespace: str
    queues: dict[str, int]
    strict: bool = False
    concurrency: int
    prefetch: int
    lease: float
    without: tuple[str, ...] = ()
    declares: bool = False


class Asked(msgspec.Struct, frozen=True):
    """One thing to do."""

    what: Literal["start", "kill", "wait"]
    pid: int = 0
    plan: Plan | None = None


class Complaints(logging.Handler):
    """Has errors of jobkit's own threads written down; what a handler raises is none of them."""

    def __init__(self, jobs: TracedJobs, store: RemoteStore) -> None:
        super().__init__()
        self._jobs = jobs
        self._store = store

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self._store.say(Complained(worker=self._jobs.worker_name, text=self.format(record)))


def work(plan: Plan) -> None:
    """Be a worker, until told to stop."""
    store = RemoteStore(plan.path, plan.sender, redis_url=plan.redis_url, namespace=plan.namespace)
    scripted = Scripted(store.say, lambda: jobs.worker_name)
    handlers = scripted.handlers([each for each in TYPES if each.__name__ not in plan.without])
    if plan.declares:
        handlers.schedule("@every 1s", jobtypes.Tick(0), name="declared", queue="mail")
    jobs = TracedJobs(
        store, AsyncRemoteStore(store), sender=plan.sender, say=store.say, handlers=handlers
    )
    logging.getLogger("jobkit").addHandler(Complaints(jobs, store))
    jobs.start(
        queues=list(plan.queues) if plan.strict else plan.queues,
        strict=plan.strict,
        concurrency=plan.concurrency,
        prefetch=plan.prefetch,
        lease=timedelta(seconds=plan.lease),
        abandon_after=timedelta(seconds=0.4),
        poll=timedelta(seconds=0.5),
    )
    orders = store.orders()
    while True:
        order: Order = orders.recv()
        match order:
            case TakeOverFrom():
                assert jobs.worker is not None
                jobs.worker.take_over(order.worker, lambda: None)
            case Stop():
                jobs.shutdown(timeout=timedelta(seconds=order.seconds))
                store.say(Stopped(worker=jobs.worker_name))
                return


def carry_out(asked: Asked) -> dict[str, Any]:
    """Do one thing, and return what to answer; in a fork, never return."""
    if asked.what == "start":
        assert asked.plan is not None
        pid = os.fork()
        if pid:
            return {"pid": pid}
        sys.stdin.close()
        code = 1
        try:
            work(asked.plan)
            code = 0
        except EOFError:  # the recorder is gone: nothing is left to be traced
            pass
        finally:
            logging.shutdown()
            os._exit(code)  # a handler that does not return must not keep it
    if asked.what == "kill":
        os.kill(asked.pid, signal.SIGKILL)
    _, status = os.waitpid(asked.pid, 0)
    return {"code": os.waitstatus_to_exitcode(status)}


def main() -> None:
    """Answer until the other end closes."""
    logging.basicConfig(level=logging.CRITICAL)
    for line in sys.stdin.buffer:
        answer = carry_out(msgspec.json.decode(line, type=Asked))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    # Operations go by pickle: their classes must have the same names at both ends.
    from benchmarks.tracing.worker import main as run

    run()
