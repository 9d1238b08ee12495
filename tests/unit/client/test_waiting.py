"""`handle.wait` looks less and less often, and no longer than it may."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from jobkit import JobNotFound, MemoryJobs


@dataclass(frozen=True)
class Note:
    n: int


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note the pauses instead of making them."""
    found: list[float] = []
    monkeypatch.setattr("jobkit.client.control.pause", found.append)
    return found


def test_it_gives_up_when_its_time_is_over(pauses: list[float]) -> None:
    """B31"""
    with MemoryJobs() as jobs:
        handle = jobs.enqueue(Note(1))

        with pytest.raises(TimeoutError, match=f"job {handle.id} .* is queued after"):
            handle.wait(timedelta(seconds=10))

    assert sum(pauses) == pytest.approx(10)
    assert pauses[:3] == [0.005, 0.0075, 0.01125]
    assert max(pauses) == 0.25


def test_it_does_not_rest_for_a_job_that_has_ended(pauses: list[float]) -> None:
    """B31"""
    with MemoryJobs() as jobs:
        handle = jobs.enqueue(Note(1))
        handle.cancel()

        assert handle.wait().state == "cancelled"
        assert handle.wait(timedelta(0)).state == "cancelled"

    assert pauses == []


def test_a_job_that_is_gone_is_not_waited_for(pauses: list[float]) -> None:
    """B31"""
    with MemoryJobs() as jobs:
        handle = jobs.enqueue(Note(1))
        handle.delete()

        with pytest.raises(JobNotFound, match=handle.id):
            handle.wait()

    assert pauses == []


def test_coroutines_wait_as_well() -> None:
    """B31"""

    async def main() -> None:
        async with MemoryJobs().aio as jobs:
            handle = await jobs.enqueue(Note(1))
            with pytest.raises(TimeoutError):
                await handle.wait(timedelta(milliseconds=20))
            waiting = asyncio.create_task(handle.wait())
            await asyncio.sleep(0)
            await handle.cancel()
            assert (await waiting).state == "cancelled"

    asyncio.run(main())
