"""Pauses: of a queue, of a type in a queue, of a type over all queues."""

from __future__ import annotations

from jobkit.record import JobState
from jobkit.store import (
    Announce,
    Capability,
    Lane,
    PausedTypes,
    Pauses,
    PauseType,
    Queues,
    ReadPauses,
    SetPause,
    SpreadPauses,
)
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    a_job,
    lanes,
    release,
    retry_now,
    succeed,
)
from jobkit_testing.conformance.capable import only_with

BOTH = lanes("A", "B")


def pause(bench: Bench, type: str | None = None, *, queue: str = QUEUE) -> None:
    """Pause a queue, or a type in it."""
    bench.run(SetPause(queue=queue, type=type, paused=True))


def resume(bench: Bench, type: str | None = None, *, queue: str = QUEUE) -> None:
    """Resume a queue, or a type in it."""
    bench.run(SetPause(queue=queue, type=type, paused=False))


def pause_everywhere(bench: Bench, type: str, *, paused: bool = True) -> PausedTypes:
    """Pause a type over all queues, and tell those that are known."""
    told = bench.run(PauseType(type=type, paused=paused))
    for queue in told.queues:
        bench.run(SpreadPauses(queue=queue, paused=told))
    return told


def read(bench: Bench, queue: str = QUEUE) -> Pauses:
    """Read what is paused."""
    return bench.run(ReadPauses(queue=queue))


class Pausing:
    """Tests of pauses."""

    def test_nothing_is_paused_at_first(self, bench: Bench) -> None:
        """B27: and a look at a queue does not bring it into being."""
        assert read(bench) == Pauses()
        assert bench.run(Queues()) == ()

    @only_with(Capability.PAUSES)
    def test_nothing_is_claimed_from_a_paused_queue(self, bench: Bench) -> None:
        """B27: whatever the type; waiting jobs stay as they are."""
        ids = bench.push(a_job("A"), a_job("B"))
        ann = bench.worker("ann", BOTH)
        pause(bench)

        claimed = ann.claim(5)

        assert (claimed.jobs, claimed.more) == ((), False)
        assert [bench.get(job_id).state for job_id in ids] == [JobState.QUEUED] * 2
        assert read(bench) == Pauses(queue=True)

    @only_with(Capability.PRIORITIES, Capability.PAUSES)
    def test_a_resumed_queue_gives_its_jobs_in_their_order(self, bench: Bench) -> None:
        """B27, B9: as if nothing had been."""
        ids = bench.push(a_job(priority=2), a_job(priority=1), a_job(priority=3))
        ann = bench.worker()
        pause(bench)
        ann.take(3)
        resume(bench)

        taken = ann.take(3)

        assert [job.id for job in taken] == [ids[1], ids[0], ids[2]]
        assert read(bench) == Pauses()

    @only_with(Capability.PRIORITIES, Capability.PAUSES)
    def test_a_type_that_is_paused_in_a_queue_blocks_nobody_behind_it(self, bench: Bench) -> None:
        """B27: it is passed over, and is no reason to come back."""
        bench.push(*[a_job("A", priority=-9) for _ in range(30)], a_job("B"))
        ann = bench.worker("ann", BOTH)
        pause(bench, "A")

        claimed = ann.claim(5)

        assert [job.type for job in claimed.jobs] == ["B"]
        assert not claimed.more

    @only_with(Capability.PAUSES)
    def test_a_pause_of_a_type_in_a_queue_leaves_other_queues_alone(self, bench: Bench) -> None:
        """B27: that is what the queue is named for."""
        bench.push(a_job(queue="mail"), a_job(queue="reports"))
        pause(bench, "A", queue="mail")

        taken = [bench.worker(q, queue=q).take() for q in ("mail", "reports")]

        assert [len(jobs) for jobs in taken] == [0, 1]

    @only_with(Capability.PAUSES)
    def test_a_type_is_paused_over_all_queues(self, bench: Bench) -> None:
        """B27: also where it has no jobs yet."""
        bench.push(a_job(queue="mail"), a_job(queue="reports"), a_job("B", queue="mail"))
        workers = [bench.worker(q, BOTH, queue=q) for q in ("mail", "reports", "empty")]
        pause_everywhere(bench, "A")
        bench.push(a_job(queue="empty"))

        taken = [[job.type for job in worker.take(5)] for worker in workers]

        assert taken == [["B"], [], []]
        assert read(bench, "mail") == Pauses(everywhere=frozenset("A"))

    @only_with(Capability.PAUSES)
    def test_a_queue_that_appears_later_hears_of_the_pause(self, bench: Bench) -> None:
        """B27: who will claim from it reads the list and tells it."""
        paused = pause_everywhere(bench, "A")
        bench.push(a_job(queue="new"))
        ann = bench.worker(queue="new")

        heard = bench.run(Announce(queues=("new",)))
        bench.run(SpreadPauses(queue="new", paused=heard))

        assert (heard.version, heard.types) == (paused.version, frozenset("A"))
        assert ann.take() == []

    @only_with(Capability.PAUSES)
    def test_who_pauses_hears_of_every_queue_that_was_announced(self, bench: Bench) -> None:
        """B27: so that one of the two has seen the other."""
        before = bench.run(Announce(queues=("early", "bird")))

        told = bench.run(PauseType(type="A", paused=True))

        assert (before.version, before.types) == (0, frozenset())
        assert set(told.queues) == {"bird", "early"}
        assert told.version > before.version

    @only_with(Capability.PAUSES)
    def test_an_older_list_never_replaces_a_newer_one(self, bench: Bench) -> None:
        """B27: whoever is late with it; so no queue stays paused for ever."""
        bench.push(a_job())
        ann = bench.worker()
        paused = bench.run(PauseType(type="A", paused=True))
        resumed = bench.run(PauseType(type="A", paused=False))
        bench.run(SpreadPauses(queue=QUEUE, paused=resumed))

        bench.run(SpreadPauses(queue=QUEUE, paused=paused))

        assert read(bench) == Pauses()
        assert len(ann.take()) == 1

    @only_with(Capability.PAUSES)
    def test_pausing_again_changes_nothing(self, bench: Bench) -> None:
        """B27: nor does a copy of the request."""
        pause(bench)
        pause(bench, "A")
        first = pause_everywhere(bench, "A")
        before = read(bench)

        again = pause_everywhere(bench, "A")
        pause(bench)
        pause(bench, "A")

        assert (again.version, again.types) == (first.version, first.types)
        assert read(bench) == before

    @only_with(Capability.PAUSES)
    def test_resuming_what_is_not_paused_changes_nothing(self, bench: Bench) -> None:
        """B27: idempotent."""
        bench.push(a_job())
        ann = bench.worker()

        resume(bench)
        resume(bench, "A")
        told = pause_everywhere(bench, "A", paused=False)

        assert told.types == frozenset()
        assert read(bench) == Pauses()
        assert len(ann.take()) == 1

    @only_with(Capability.PAUSES)
    def test_versions_grow_with_every_change(self, bench: Bench) -> None:
        """B27: also within one millisecond, and if the clock steps back."""
        versions = [0]
        for step, paused in ((0, True), (0, False), (-SECOND, True), (SECOND, False)):
            bench.advance(step)
            versions.append(bench.run(PauseType(type="A", paused=paused)).version)

        assert versions == sorted(set(versions))

    @only_with(Capability.PAUSES)
    def test_the_three_flags_are_independent(self, bench: Bench) -> None:
        """B27: each holds until it is resumed itself."""
        bench.push(a_job())
        ann = bench.worker()
        pause(bench)
        pause(bench, "A")
        pause_everywhere(bench, "A")
        everything = read(bench)

        held = [ann.take()]
        resume(bench)
        held.append(ann.take())
        resume(bench, "A")
        held.append(ann.take())
        pause_everywhere(bench, "A", paused=False)

        both = frozenset("A")
        assert everything == Pauses(queue=True, types=both, everywhere=both)
        assert held == [[], [], []]
        assert len(ann.take()) == 1

    @only_with(Capability.PAUSES)
    def test_several_types_are_paused_at_once(self, bench: Bench) -> None:
        """B27: each by itself, in one queue and over all."""
        types = [f"T{i}" for i in range(40)]
        bench.push(*[a_job(name) for name in types])
        ann = bench.worker("ann", lanes(*types))
        for name in types[:10]:
            pause(bench, name)
        for name in types[10:20]:
            pause_everywhere(bench, name)

        taken = [job.type for job in ann.take(40)]

        assert sorted(taken) == sorted(types[20:])

    @only_with(Capability.PAUSES)
    def test_aliases_share_the_pause_of_their_type(self, bench: Bench) -> None:
        """B1, B27: the group is the type's own name."""
        both = lanes(New=Lane(group="New"), Old=Lane(group="New"))
        bench.push(a_job("Old"), a_job("New"))
        ann = bench.worker("ann", both)

        pause(bench, "New")
        in_queue = ann.take(5)
        resume(bench, "New")
        pause_everywhere(bench, "New")
        everywhere = ann.take(5)

        assert (in_queue, everywhere) == ([], [])

    @only_with(Capability.PAUSES)
    def test_a_lane_goes_by_its_own_name_as_well(self, bench: Bench) -> None:
        """B1, B27: who knows an alias alone can pause what is stored under it."""
        both = lanes(New=Lane(group="New"), Old=Lane(group="New"))
        bench.push(a_job("Old"), a_job("New"))
        pause(bench, "Old")

        taken = bench.worker("ann", both).take(5)

        assert [job.type for job in taken] == ["New"]

    @only_with(Capability.PAUSES)
    def test_suspects_of_a_paused_type_stay_too(self, bench: Bench) -> None:
        """B27, B37: their lane is one of the type's."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ann.take_one()
        bench.live(LEASE, bob)
        pause(bench, "A")

        claimed = bob.claim(5)

        assert claimed.jobs == ()
        assert bench.count().queued == {"A": 1}

    @only_with(Capability.PAUSES)
    def test_what_runs_finishes(self, bench: Bench) -> None:
        """B27: its lease is kept and its success counts."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        pause(bench)
        pause_everywhere(bench, "A")
        beat = ann.beat(job)
        settled = ann.settle_one(succeed(job))

        assert (beat.lost, beat.cancelled) == ((), ())
        assert settled.state is JobState.SUCCEEDED

    @only_with(Capability.PAUSES)
    def test_what_comes_back_waits(self, bench: Bench) -> None:
        """B27: a retry or a hand-back is a waiting job like others."""
        bench.push(a_job(), a_job())
        ann = bench.worker()
        first, second = ann.take(2)
        pause(bench, "A")

        ann.settle(retry_now(first), release(second))

        assert ann.take(5) == []
        assert bench.count().queued == {"A": 2}

    @only_with(Capability.PAUSES)
    def test_a_claim_of_a_paused_queue_still_promotes(self, bench: Bench) -> None:
        """B27: what is due then is ready at once when the queue is resumed."""
        bench.push(a_job(delay=SECOND))
        ann = bench.worker()
        pause(bench)
        bench.advance(SECOND)

        claimed = ann.claim(5)

        counts = bench.count()
        assert claimed.jobs == ()
        assert (counts.queued, counts.scheduled) == ({"A": 1}, 0)

    @only_with(Capability.PAUSES)
    def test_a_claim_of_a_paused_queue_still_reclaims(self, bench: Bench) -> None:
        """B27, B37: a lost job does not stay running."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        lost = ann.take_one()
        pause(bench)
        bench.live(LEASE, bob)

        bob.claim(5)

        assert bench.get(lost.id).state is JobState.QUEUED

    @only_with(Capability.PAUSES)
    def test_a_copy_of_a_claim_gets_its_answer_in_a_pause(self, bench: Bench) -> None:
        """B27, B23: what was taken before is held."""
        bench.push(a_job())
        ann = bench.worker()
        claim = ann.claiming(1)
        first = bench.run(claim)
        pause(bench)

        again = bench.run(claim)

        assert again.jobs == first.jobs
        assert len(first.jobs) == 1

    @only_with(Capability.PAUSES)
    def test_a_claim_of_one_job_does_not_pass_a_pause(self, bench: Bench) -> None:
        """B27: neither of three."""
        job_id = bench.push_one(a_job())
        ann = bench.worker()

        def taken() -> int:
            return len(bench.run(ann.claiming(only=job_id)).jobs)

        pause(bench)
        found = [taken()]
        resume(bench)
        pause(bench, "A")
        found.append(taken())
        resume(bench, "A")
        pause_everywhere(bench, "A")
        found.append(taken())
        pause_everywhere(bench, "A", paused=False)

        assert found == [0, 0, 0]
        assert taken() == 1
