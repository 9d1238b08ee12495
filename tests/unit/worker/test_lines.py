"""What a worker asks its queues for while an answer is missing."""

from __future__ import annotations

from typing import Any

import pytest

from jobkit.engine import Engine
from jobkit.engine.running import Runner
from jobkit.ids import seeded_ids
from jobkit.options import worker_settings
from jobkit.store import Claim, PausedTypes
from jobkit.worker.lines import Asked, Lines


def some_lines(*queues: str) -> Lines:
    """Return the lines of a worker that serves these queues, all of them entered."""
    engine = Engine(
        handlers=(),
        defaults=None,
        queues=None,
        new_ids=lambda: seeded_ids(lambda: 0, seed=1),
        max_payload=None,
        version="",
        durable=False,
    )
    nowhere: Any = None  # nothing runs here
    runner = Runner(engine, open_outbox=lambda ctx: nowhere)
    lines = Lines(engine, runner, worker_settings({"queues": queues}), worker="ann", about=b"")
    lines.entered(queues, PausedTypes())
    return lines


@pytest.mark.parametrize(("lost", "answered"), [("one", "two"), ("two", "one")])
@pytest.mark.parametrize("what", ["slots", "prefetch", "suspects"])
def test_what_an_unanswered_claim_may_bring_is_not_asked_for_again(
    what: str, lost: str, answered: str
) -> None:
    """B37, B39: claims under way bring no more together than there is room for."""
    lines = some_lines("one", "two")
    room = {"slots": 4, "prefetch": 4, "suspects": 1}

    first = lines.ask_for(**room)
    for each in first:
        if each.line.name == answered:
            each.line.pending = None
    again = lines.ask_for(**room)

    assert claim_of(lost, again) == claim_of(lost, first)
    assert sum(int(getattr(each.claim, what)) for each in again) <= room[what]


def claim_of(queue: str, asked: list[Asked]) -> Claim:
    """Return what a queue is asked for."""
    return next(each.claim for each in asked if each.line.name == queue)
