"""Handlers in processes of their own: what stays in the worker, and what cannot be isolated."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

import jobkit
from jobkit import Hooks, InvalidHandler, JobRecord, MemoryJobs
from jobkit.worker.isolation import spawner
from tests.e2e.apps.isolated import Act, handlers
from tests.e2e.command import PATIENCE
from tests.e2e.waiting import eventually

WAIT = timedelta(seconds=PATIENCE)
ISOLATED = "tests.e2e.apps.isolated"
Ran = Callable[..., JobRecord[Any]]


def test_hooks_run_in_the_worker() -> None:
    """B30: they see what is stored."""
    seen: list[tuple[str, int]] = []
    with MemoryJobs(handlers=handlers) as jobs:
        jobs.hooks(
            Hooks(
                on_start=lambda record, _: seen.append(("start", os.getpid())),
                on_dead=lambda record, _: seen.append((str(record.state), os.getpid())),
            )
        )
        jobs.start()
        jobs.enqueue(Act("exit_with_3")).wait(WAIT)
        eventually(lambda: len(seen) == 2)

    assert seen == [("start", os.getpid()), ("dead", os.getpid())]


@jobkit.job(isolate=True)
@dataclass(frozen=True)
class Local:
    """Its handlers are not to be found."""


@pytest.mark.parametrize("what", ["closure", "middleware", "on_enqueue"])
def test_what_another_process_cannot_find_is_refused_at_the_start(what: str) -> None:
    """B28: with the name, and how to mend it; nothing has started."""

    def local(job: Local) -> None: ...

    def local_middleware(ctx: Any, call_next: Any) -> object:
        return call_next()

    with MemoryJobs() as jobs:
        jobs.register(local if what == "closure" else _at_the_top)
        if what == "middleware":
            jobs.middleware(local_middleware)
        if what == "on_enqueue":
            jobs.on_enqueue(lambda job, options: None)

        with pytest.raises(InvalidHandler, match=rf"(?s){what}|local.*at the top of a module"):
            jobs.start()
        assert jobs.worker is None


def test_what_is_registered_later_and_cannot_be_found_fails_its_attempts() -> None:
    """B28, B51: with the same words; the worker lives on."""

    def local(job: Local) -> None: ...

    with MemoryJobs() as jobs:
        jobs.start()
        jobs.register(local)
        error = jobs.enqueue(Local(), max_retries=0).wait(WAIT).error

    assert error is not None
    assert error.error_type == "jobkit.InvalidHandler"
    assert "at the top of a module" in str(error.message)


def test_if_no_process_can_be_had_the_attempt_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """B32: the job does not hang."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("too many processes")

    with MemoryJobs() as jobs:
        jobs.start()
        jobs.register(_at_the_top)
        monkeypatch.setattr(spawner, "_start", refuse)
        error = jobs.enqueue(Local(), max_retries=0).wait(WAIT).error

    assert error is not None
    assert (error.error_type, error.message) == ("OSError", "too many processes")


def _at_the_top(job: Local) -> None: ...
