"""Follows jobs by their handles until all have ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from jobkit import JobHandle, JobRecord, JobState

BETWEEN_LOOKS = timedelta(milliseconds=100)
LOOKS = 300  # then it is given up: the demo takes a tenth of that
ENDED = (JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED)


def watch(
    handles: Iterable[JobHandle[Any]],
    *,
    at_each_look: Callable[[list[JobRecord[Any]]], None],
) -> list[JobRecord[Any]]:
    """Return the last records of these jobs, in their order.

    Raises `TimeoutError` if some have not ended after 30 s or so, and what `at_each_look` raises.
    """
    unfinished = {handle.id: handle for handle in handles}
    records: dict[str, JobRecord[Any]] = {}
    for _ in range(LOOKS):
        records |= {id: handle.record() for id, handle in unfinished.items()}
        at_each_look(list(records.values()))
        for id in [id for id in unfinished if records[id].state in ENDED]:
            del unfinished[id]
        if not unfinished:
            return list(records.values())
        with suppress(TimeoutError):
            next(iter(unfinished.values())).wait(BETWEEN_LOOKS)
    raise TimeoutError(f"{len(unfinished)} jobs have not ended, {next(iter(unfinished))} first")
