"""The list of workers: who lives, what each serves, and what it runs."""

from __future__ import annotations

from jobkit.store import (
    WORKER_FORGOTTEN,
    Capability,
    CheckIn,
    Lane,
    Queues,
    StoredSlot,
    StoredWorker,
    StoredWorkers,
    TakeOver,
    Workers,
)
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    START,
    a_job,
    lanes,
    lease_of,
    retry,
    succeed,
)
from jobkit_testing.conformance.capable import only_with

HALF = b'["half",1,2]'


def listed(bench: Bench, queue: str = QUEUE) -> dict[str, StoredWorker]:
    """List the workers of a queue, by name."""
    found = bench.run(Workers(queue=queue))
    names = [worker.name for worker in found.workers]
    assert names == sorted(set(names))
    assert found.now == bench.now
    return {worker.name: worker for worker in found.workers}


@only_with(Capability.WORKERS)
class Workforce:
    """Tests of `Workers`."""

    def test_a_queue_without_workers_lists_none(self, bench: Bench) -> None:
        """B48: nor does a look bring the queue into being."""
        assert bench.run(Workers(queue="nowhere")) == StoredWorkers(now=START, workers=())
        assert bench.run(Queues()) == ()

    def test_a_worker_shows_what_it_tells_and_serves(self, bench: Bench) -> None:
        """B48: aliases are served as well."""
        ann = bench.worker("ann", lanes("B", "A", Old=Lane(group="B")))
        ann.beat(about=b'{"host":"h"}')
        bench.worker("bob", lanes("A"))

        found = listed(bench)

        assert found["ann"] == StoredWorker(
            name="ann", about=b'{"host":"h"}', beat_at=START, types=("A", "B", "Old")
        )
        assert found["bob"] == StoredWorker(name="bob", about=b"", beat_at=START, types=("A",))

    def test_the_last_heartbeat_counts(self, bench: Bench) -> None:
        """B48: its instant, what it told and served."""
        ann = bench.worker("ann", lanes("A"))
        ann.beat(about=b"first")
        bench.advance(SECOND)
        ann.lanes = lanes("B", "C")

        ann.beat(about=b"second")

        assert listed(bench)["ann"] == StoredWorker(
            name="ann", about=b"second", beat_at=START + SECOND, types=("B", "C")
        )

    def test_a_claim_is_no_heartbeat(self, bench: Bench) -> None:
        """B48: who claims and does not beat loses its leases."""
        ann = bench.worker()
        bench.advance(SECOND)

        ann.claim()

        assert listed(bench)["ann"].beat_at == START

    @only_with(Capability.PREFETCH, Capability.CHECK_INS)
    def test_busy_slots_are_the_started_leases(self, bench: Bench) -> None:
        """B48: by start, with their last check-ins; prefetched jobs have no slot yet."""
        ids = bench.push(a_job("A"), a_job("B"), a_job("A"), a_job("A"))
        ann = bench.worker("ann", lanes("A", "B"))
        bench.advance(SECOND)
        jobs = ann.claim(2, prefetch=1).jobs
        bench.advance(SECOND)
        bob = bench.worker("bob", lanes("A"))
        bob.take_one()
        bench.run(
            CheckIn(queue=QUEUE, worker="ann", lease=lease_of(jobs[1]), progress=HALF),
        )

        found = listed(bench)

        started = START + SECOND
        assert found["ann"].slots == (
            StoredSlot(id=ids[0], type="A", since=started),
            StoredSlot(
                id=ids[1], type="B", since=started, progress=HALF, checked_in_at=START + 2 * SECOND
            ),
        )
        assert found["bob"].slots == (StoredSlot(id=ids[3], type="A", since=bench.now),)

    @only_with(Capability.PREFETCH)
    def test_a_prefetched_job_takes_a_slot_when_it_starts(self, bench: Bench) -> None:
        """B48"""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.claim(0, prefetch=1).jobs[0]
        bench.advance(SECOND)

        before = listed(bench)["ann"].slots
        ann.beat(job, started=(job,))

        assert before == ()
        assert listed(bench)["ann"].slots == (
            StoredSlot(id=job.id, type="A", since=START + SECOND),
        )

    def test_an_ended_attempt_frees_its_slot(self, bench: Bench) -> None:
        """B48: however it ends, at once."""
        bench.push(a_job(), a_job(), a_job())
        ann = bench.worker()
        first, second, third = ann.take(3)

        ann.settle(succeed(first), retry(second))

        assert [slot.id for slot in listed(bench)["ann"].slots] == [third.id]

    def test_a_job_in_a_slot_may_be_of_any_size(self, bench: Bench) -> None:
        """B48: its payload stays where it is."""
        bench.push(a_job(payload=b"x" * 100_000), *[a_job() for _ in range(1_100)])
        ann = bench.worker()
        jobs = ann.take(1_101)

        slots = listed(bench)["ann"].slots

        assert [slot.id for slot in slots] == sorted(job.id for job in jobs)

    def test_a_lost_job_is_in_one_slot(self, bench: Bench) -> None:
        """B48, B37: first in nobody's, then in that of who claims it."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ann.take_one()
        bench.live(LEASE + SECOND, bob)
        bob.claim(0)

        lost = {name: worker.slots for name, worker in listed(bench).items()}
        job = bob.take_one()

        assert lost == {"ann": (), "bob": ()}
        assert [slot.id for slot in listed(bench)["bob"].slots] == [job.id]
        assert listed(bench)["ann"].slots == ()

    def test_a_worker_that_leaves_is_gone_at_once(self, bench: Bench) -> None:
        """B48"""
        ann = bench.worker("ann")
        ann.beat(about=b"ann")
        bench.worker("bob")

        ann.leave()

        assert [*listed(bench)] == ["bob"]
        ann.beat()
        assert listed(bench)["ann"].about == b""

    def test_a_silent_worker_is_listed_until_it_is_forgotten(self, bench: Bench) -> None:
        """B48: with what it held as long as nobody took it back."""
        bench.push(a_job())
        ann = bench.worker("ann")
        job = ann.take_one()
        bench.advance(WORKER_FORGOTTEN - SECOND)

        silent = listed(bench)["ann"]
        bob = bench.worker("bob")
        still = [*listed(bench)]
        bench.advance(SECOND)
        bob.beat()

        assert silent.beat_at == START
        assert [slot.id for slot in silent.slots] == [job.id]
        assert still == ["ann", "bob"]
        assert [*listed(bench)] == ["bob"]

    @only_with(Capability.TAKE_OVER)
    def test_a_worker_that_was_taken_over_is_gone(self, bench: Bench) -> None:
        """B48, B37"""
        bench.push(a_job())
        bench.worker("ann").take_one()
        bench.worker("bob")

        bench.run(TakeOver(queue=QUEUE, worker="ann"))

        assert [(name, worker.slots) for name, worker in listed(bench).items()] == [("bob", ())]

    def test_each_queue_knows_its_own_workers(self, bench: Bench) -> None:
        """B48: one worker of two queues has its slots where the jobs are."""
        here, there = bench.push(a_job(), a_job(queue="mail"))
        for queue in (QUEUE, "mail"):
            bench.worker("ann", queue=queue).take_one()
        bench.worker("bob", queue="mail")

        found = {queue: listed(bench, queue) for queue in (QUEUE, "mail")}

        assert [*found[QUEUE]] == ["ann"]
        assert [*found["mail"]] == ["ann", "bob"]
        assert [slot.id for slot in found[QUEUE]["ann"].slots] == [here]
        assert [slot.id for slot in found["mail"]["ann"].slots] == [there]
