"""What a worker makes of the answers to its claims, those that stood by and those that did not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from jobkit import MemoryJobs
from jobkit.engine import Engine
from jobkit.store import Claim, Claimed, PausedTypes
from jobkit.worker.claiming import Claiming
from jobkit.worker.cycle import Cycle
from jobkit.worker.inbox import Inbox
from jobkit.worker.listener import Listener
from tests.e2e.handling import do_nothing
from tests.e2e.jobtypes import Ping
from tests.e2e.waiting import Gate, eventually
from tests.unit.worker.test_crew import a_crew

LEASE = 30.0  # seconds, the default


class HandClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


class Kept:
    """An inbox that keeps until when each claim's leases hold, and what ended."""

    def __init__(self) -> None:
        self.jobs = 0
        self.has_suspect = False
        self.until: list[float] = []
        self.told: list[str] = []

    def claimed(self, queue: str, claimed: Claimed, lease_until: float) -> None:
        self.until.append(lease_until)

    def ended(self, queue: str, ids: Sequence[str]) -> None:
        self.told += ids


class NeverCalled:
    """A listener that keeps what it is to wait with."""

    is_waiting = False

    def __init__(self) -> None:
        self.cycles: list[Cycle] = []

    def wait(self, cycle: Cycle, timeout: float) -> None:
        self.cycles.append(cycle)
        self.is_waiting = True


class Ann:
    """A worker of one queue whose claims are answered by hand."""

    def __init__(self, jobs: MemoryJobs) -> None:
        jobs.register(do_nothing, job=Ping)
        self.clock, self.inbox, self.listener = HandClock(), Kept(), NeverCalled()
        self.crew = a_crew(jobs, concurrency=4)
        self.claiming = Claiming(
            self.crew,
            cast(Engine, vars(jobs)["_engine"]),
            cast(Inbox, self.inbox),
            worker="ann",
            clock=cast(Any, self.clock),
            now=lambda: None,
        )
        self.claiming.standby.listener = cast(Listener, self.listener)
        self.answer(self.plan(), Claimed(now=0))  # enters the queue
        self.answer(self.plan(), Claimed(now=0))

    def plan(self) -> Cycle:
        cycle = Cycle()
        self.claiming.plan(cycle)
        return cycle

    def answer(self, cycle: Cycle, claimed: Claimed) -> None:
        """Answer all claims of a cycle with this."""
        cycle.heed([claimed if isinstance(o, Claim) else PausedTypes() for o in cycle.operations])

    @staticmethod
    def claims(cycle: Cycle) -> list[Claim]:
        return [each for each in cycle.operations if isinstance(each, Claim)]


@pytest.fixture
def ann() -> Iterator[Ann]:
    with MemoryJobs() as jobs:
        yield Ann(jobs)


def test_leases_of_a_new_claim_count_from_when_it_was_sent(ann: Ann) -> None:
    """B37: a claim that was lost on its way took nothing then."""
    ann.claiming.lines.ask_everywhere()
    ann.plan()
    ann.clock.seconds += 3
    again = ann.plan()

    ann.answer(again, Claimed(now=0))

    assert ann.inbox.until[-1] == ann.clock.seconds + LEASE


def test_leases_of_a_copy_count_from_when_the_claim_was_first_sent(ann: Ann) -> None:
    """B37: a worker believes in a lease no longer than the store does."""
    ann.claiming.lines.ask_everywhere()
    ann.plan()
    first = ann.clock.seconds
    ann.clock.seconds += 3
    again = ann.plan()

    ann.answer(again, Claimed(now=0, repeated=True))

    assert ann.inbox.until[-1] == first + LEASE


def test_claims_stand_by_when_the_store_had_nothing_left(ann: Ann) -> None:
    """B13: with all the room there is."""
    ann.claiming.stand_by()

    [claim] = ann.claims(ann.listener.cycles[0])
    assert (claim.slots, claim.suspects, claim.idle) == (4, 1, True)
    assert ann.claiming.standby.has_claims


def test_whoever_was_given_all_it_asked_for_asks_again_before_it_rests(ann: Ann) -> None:
    """B13: it is not on the list of those who idle, and no hint would come."""
    ann.claiming.lines.ask_everywhere()
    full = ann.plan()
    job: Any = object()
    ann.answer(full, Claimed(now=0, jobs=(job,) * 4, started=4))

    ann.claiming.stand_by()

    assert ann.listener.cycles == []
    assert ann.claiming.rest() == 0.0
    assert len(ann.claims(ann.plan())) == 1


def test_a_claim_that_stands_by_is_sent_again_as_it_is_when_somebody_asks(ann: Ann) -> None:
    """B39: and not before."""
    ann.claiming.stand_by()
    [standing] = ann.claims(ann.listener.cycles[0])
    quiet = ann.claims(ann.plan())
    ann.claiming.hinted = True

    asked = ann.claims(ann.plan())

    assert (quiet, asked) == ([], [standing])


def test_a_claim_that_stands_by_is_sent_again_when_a_job_gets_due(ann: Ann) -> None:
    """B8: an idle Redis may end a wait a tenth of a second late."""
    ann.claiming.lines.ask_everywhere()
    ann.answer(ann.plan(), Claimed(now=0, next_due=250))
    ann.claiming.stand_by()
    [standing] = ann.claims(ann.listener.cycles[0])
    assert ann.claiming.rest() == 0.25

    ann.clock.seconds += 0.25

    assert ann.claiming.rest() == 0.0
    assert ann.claims(ann.plan()) == [standing]


def test_a_void_claim_has_the_number_of_the_one_that_stood_by(ann: Ann) -> None:
    """B52: and takes nothing."""
    ann.claiming.stand_by()
    [standing] = ann.claims(ann.listener.cycles[0])
    voids = Cycle()

    ann.claiming.plan_voids(voids)

    [void] = ann.claims(voids)
    assert void.request == standing.request
    assert (void.slots, void.prefetch, void.suspects, void.idle) == (0, 0, 0, False)


def test_of_two_answers_the_second_tells_only_what_ended(ann: Ann) -> None:
    """B36: the first one may have been that of the copy, which does not know."""
    ann.claiming.stand_by()
    ann.claiming.hinted = True
    ann.answer(ann.plan(), Claimed(now=0, repeated=True))
    brought = len(ann.inbox.until)

    ann.answer(ann.listener.cycles[0], Claimed(now=0, ended=("lost",)))

    assert (len(ann.inbox.until), ann.inbox.told) == (brought, ["lost"])


def test_whoever_has_a_full_line_of_hooks_claims_nothing_until_there_is_room(ann: Ann) -> None:
    """B13, B30: it runs no faster than its hooks, and looks each `poll` whether they hang."""
    hooks = ann.crew.hooks
    gate = Gate()
    for _ in range(hooks.most):
        hooks.submit(gate.hold)
    ann.claiming.lines.ask_everywhere()

    held = ann.claims(ann.plan())
    ann.claiming.stand_by()
    assert (held, ann.listener.cycles) == ([], [])
    assert 0.0 < ann.claiming.rest() <= 2.0

    gate.open()
    eventually(lambda: not hooks.is_full)
    assert ann.claiming.rest() == 0.0
    [claim] = ann.claims(ann.plan())
    assert claim.slots == 4


def test_whoever_has_hooks_that_hang_claims_on(ann: Ann, monkeypatch: pytest.MonkeyPatch) -> None:
    """B13, B30: a hook that never returns costs hooks, and no jobs."""
    monkeypatch.setattr("jobkit.worker.hookline.HANG", 0.0)
    gate = Gate()
    for _ in range(ann.crew.hooks.most):
        ann.crew.hooks.submit(gate.hold)
    ann.claiming.lines.ask_everywhere()

    [claim] = ann.claims(ann.plan())

    assert claim.slots == 4
    gate.open()
