"""A worker asks for more as soon as an answer is there, before it looks after what that brought."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from jobkit import JobState, MemoryJobs
from jobkit.store import Answer, Claim, Here, Operation, Store
from jobkit.worker import WorkingJobs
from jobkit.worker.crew import Crew
from jobkit.worker.work import Work
from tests.e2e.backends import breaches, store_of
from tests.e2e.handling import calling
from tests.e2e.jobtypes import Ping
from tests.e2e.sending import Lost, give
from tests.e2e.waiting import Gate, eventually

MINUTE = timedelta(minutes=1)


class SendsWithoutWaiting:
    """Carries out what is sent; counts claims, and the jobs that they brought.

    `loses`: the answers to which claims. `ended`: how many handlers have, so that `most` is how
    many jobs were held at once. `first`: the claim that first brought some.
    """

    def __init__(
        self,
        store: Store,
        *,
        loses: frozenset[int] = frozenset(),
        ended: Callable[[], int] = lambda: 0,
    ) -> None:
        self._store = store
        self._loses = loses
        self._ended = ended
        self.claims = self.first = self.brought = self.most = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def begin(self, operations: Sequence[Operation[Any]], /, *, now: int | None = None) -> Answer:
        results = self._store.run_many(operations, now=now)
        claimed = [r for o, r in zip(operations, results, strict=True) if isinstance(o, Claim)]
        self.claims += bool(claimed)
        self.brought += sum(len(each.jobs) for each in claimed)
        if self.brought and not self.first:
            self.first = self.claims
        self.most = max(self.most, self.brought - self._ended())
        return Lost() if claimed and self.claims in self._loses else Here(results)


def sending(jobs: WorkingJobs, **options: Any) -> SendsWithoutWaiting:
    """Give a backend a store that can send without waiting."""
    return give(jobs, SendsWithoutWaiting(store_of(jobs), **options))


def test_the_next_claim_is_sent_before_the_jobs_of_an_answer_begin() -> None:
    """B13: so the store works while handlers do."""
    with MemoryJobs() as jobs:
        store = sending(jobs)
        claims: list[int] = []
        jobs.register(calling(lambda job: claims.append(store.claims)), job=Ping)
        jobs.enqueue_many(Ping(n) for n in range(40))

        jobs.start(concurrency=1, prefetch=9)
        jobs.drain(timeout=MINUTE)

        assert claims[0] > store.first
        assert len(claims) == 40
        assert breaches(jobs) == []


@pytest.mark.parametrize("prefetch", [0, 1, 7])
def test_what_an_answer_brought_counts_before_it_is_handed_out(prefetch: int) -> None:
    """B13: no more is claimed than there are slots, and places in line."""
    with MemoryJobs() as jobs:
        gate = Gate()
        store = sending(jobs, ended=lambda: gate.passed)
        jobs.register(gate.handle, job=Ping)
        jobs.enqueue_many(Ping(n) for n in range(60))

        jobs.start(concurrency=3, prefetch=prefetch)
        gate.wait_for(3)
        eventually(lambda: store.brought >= 3 + prefetch)
        gate.open()
        jobs.drain(timeout=MINUTE)

        assert store.most == 3 + prefetch
        assert (gate.most, gate.passed) == (3, 60)


def test_lost_answers_lose_no_job_and_run_none_twice() -> None:
    """B39: a claim is sent again as it was, and so are settlements."""
    with MemoryJobs() as jobs:
        store = sending(jobs, loses=frozenset({2, 3, 6, 9}))
        runs = Counter[int]()
        jobs.register(calling(lambda job: runs.update([job.n])), job=Ping)
        handles = jobs.enqueue_many(Ping(n) for n in range(60))

        jobs.start(concurrency=2, prefetch=6)
        jobs.drain(timeout=MINUTE)

        assert store.claims > 9
        assert runs == Counter(range(60))
        assert {handle.record().state for handle in handles} == {JobState.SUCCEEDED}
        assert breaches(jobs) == []


def test_jobs_of_one_queue_that_cannot_begin_hold_up_no_other_queue(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """B13: one answer brought both, and it is read once."""
    start, refused = Crew.start, list[Work]()

    def start_later(crew: Crew, works: Iterable[Work] = ()) -> None:
        works = list(works)
        if works and not refused:
            refused.extend(works)
            raise RuntimeError("can't start new thread")
        start(crew, works)

    with MemoryJobs() as jobs:
        ran: list[int] = []
        jobs.register(calling(lambda job: ran.append(job.n)), job=Ping)
        for n, queue in enumerate(("default", "other")):
            jobs.enqueue(Ping(n), queue=queue)
        monkeypatch.setattr(Crew, "start", start_later)

        jobs.start(concurrency=4, queues={"default": 1, "other": 1})
        eventually(lambda: len(ran) == 1)

        assert len(refused) == 1
        assert "cannot be handed out" in caplog.text
        jobs.shutdown(timeout=timedelta(0))
