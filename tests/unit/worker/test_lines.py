"""What a worker asks its queues for, and when."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from jobkit.engine import Engine
from jobkit.engine.running import Runner
from jobkit.ids import seeded_ids
from jobkit.options import worker_settings
from jobkit.store import Claim, PausedTypes
from jobkit.worker.lines import Asked, Lines


def some_lines(*queues: str, strict: bool = False, weights: dict[str, int] | None = None) -> Lines:
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
    settings = worker_settings({"queues": weights or queues, "strict": strict})
    lines = Lines(engine, runner, settings, worker="ann", about=b"")
    lines.entered(tuple(weights or queues), PausedTypes())
    return lines


@pytest.mark.parametrize(("lost", "answered"), [("one", "two"), ("two", "one")])
@pytest.mark.parametrize("what", ["slots", "prefetch", "suspects"])
def test_what_an_unanswered_claim_may_bring_is_not_asked_for_again(
    what: str, lost: str, answered: str
) -> None:
    """B37, B39: claims under way bring no more together than there is room for."""
    lines = some_lines("one", "two")
    room = {"slots": 4, "prefetch": 4, "suspects": 1, "now": 0}

    first = lines.ask_for(**room)
    for each in first:
        if each.line.name == answered:
            each.line.pending = None
    again = lines.ask_for(**room)

    assert claim_of(lost, again) == claim_of(lost, first)
    assert sum(int(getattr(each.claim, what)) for each in again) <= room[what]


def test_of_all_queues_one_is_asked_for_a_suspect() -> None:
    """B37: and another one the next time, so that none waits for ever."""
    lines = some_lines("one", "two", "three")

    asked = [lines.ask_for(slots=3, prefetch=0, suspects=1, now=0.0)]
    for each in asked[0]:
        each.line.pending = None
    asked.append(lines.ask_for(slots=3, prefetch=0, suspects=1, now=0.0))

    told = [{each.line.name for each in turn if each.claim.suspects} for turn in asked]
    assert [len(names) for names in told] == [1, 1]
    assert told[0] != told[1]


def test_strict_asks_one_queue_at_a_time_for_all_that_is_free() -> None:
    """B11: the next one is asked when the first has had nothing more to give."""
    lines = some_lines("one", "two", strict=True)

    first = lines.ask_for(slots=4, prefetch=2, suspects=1, now=0.0)
    while_open = lines.ask_for(slots=4, prefetch=2, suspects=1, now=0.0)
    first[0].line.pending, first[0].line.worth_asking = None, False
    then = lines.ask_for(slots=1, prefetch=2, suspects=1, now=0.0)

    shown = [[(each.line.name, each.claim.slots, each.claim.prefetch) for each in asked]
             for asked in (first, while_open, then)]  # fmt: skip
    assert shown == [[("one", 4, 2)], [("one", 4, 2)], [("two", 1, 2)]]


def test_a_queue_is_asked_when_its_next_job_gets_due() -> None:
    """B13: at that instant, and not at the next poll."""
    lines = some_lines("one", "two")
    for each in lines.ask_for(slots=2, prefetch=0, suspects=1, now=0.0):
        each.line.pending, each.line.worth_asking = None, False
        each.line.next_due = 5.0 if each.line.name == "two" else 9.0

    early = lines.next_look(3.0)
    lines.look_out(4.999)
    still = lines.is_worth_asking
    lines.look_out(5.0)

    assert (early, still) == (2.0, False)
    asked = lines.ask_for(slots=2, prefetch=0, suspects=1, now=0.0)
    assert [each.line.name for each in asked] == ["two"]


def test_of_many_queues_with_a_backlog_few_are_asked_for_many_jobs() -> None:
    """B11, B50: each as often as its weight says; claims for a job or two would cost the most."""
    names = [f"queue-{n}" for n in range(20)]
    weights = {name: 9 if name == "queue-7" else 1 for name in names}
    lines = some_lines(weights=weights)
    asked_for = Counter[str]()

    for turn in range(101):
        asked = lines.ask_for(slots=40, prefetch=120, suspects=1, now=0.0)
        for each in asked:
            each.line.pending, each.line.has_more = None, True
            if turn:
                asked_for[each.line.name] += each.claim.slots + each.claim.prefetch
        assert len(asked) == 20 if turn == 0 else len(asked) <= 10
        assert sum(each.claim.slots for each in asked) == 40
        assert sum(each.claim.prefetch for each in asked) == 120

    fair = 16_000 / 28
    assert asked_for["queue-7"] == pytest.approx(9 * fair, rel=0.02)
    assert all(abs(asked_for[name] - fair) <= 32 for name in names if name != "queue-7")


def test_a_queue_of_which_nothing_is_known_is_asked_at_once() -> None:
    """B12: others' backlogs do not delay it."""
    lines = some_lines(*(f"queue-{n}" for n in range(20)))
    for each in lines.ask_for(slots=40, prefetch=120, suspects=1, now=0.0):
        each.line.pending, each.line.has_more = None, each.line.name != "queue-7"

    asked = lines.ask_for(slots=40, prefetch=120, suspects=1, now=0.0)

    assert claim_of("queue-7", asked).slots > 0


def claim_of(queue: str, asked: list[Asked]) -> Claim:
    """Return what a queue is asked for."""
    return next(each.claim for each in asked if each.line.name == queue)
