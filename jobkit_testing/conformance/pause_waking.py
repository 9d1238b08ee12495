"""Whom pauses leave asleep, and whom the end of one wakes."""

from __future__ import annotations

from jobkit.store import Capability
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    QUEUE,
    a_job,
    lanes,
)
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.pausing import pause, pause_everywhere, resume
from jobkit_testing.conformance.slot_waking import ONE_OF_L
from jobkit_testing.conformance.waking import HEARD, UNHEARD, waiting

BOTH = lanes("A", "B")


@only_with(Capability.PAUSES, Capability.WAKING)
class PauseWaking:
    """Tests of hints around pauses."""

    def test_a_resume_of_a_queue_wakes_an_idle_worker(self, bench: Bench) -> None:
        """B27, B13: it need not wait for its poll."""
        bench.push(a_job())
        pause(bench)
        with waiting(bench, bench.worker("ann")) as (ann,):
            resume(bench)

            assert ann.wait([QUEUE], HEARD)

    def test_a_resume_of_a_type_wakes_a_worker_that_serves_it(self, bench: Bench) -> None:
        """B27, B13: in a queue."""
        bench.push(a_job("A"), a_job("B"))
        pause(bench, "A")
        pause(bench, "B")
        ann, bob = bench.worker("ann", lanes("A")), bench.worker("bob", lanes("B"))
        with waiting(bench, ann, bob) as (of_ann, of_bob):
            resume(bench, "B")

            assert of_bob.wait([QUEUE], HEARD)
            assert not of_ann.wait([QUEUE], UNHEARD)

    def test_a_resume_over_all_queues_wakes_workers(self, bench: Bench) -> None:
        """B27, B13: in each queue where it has jobs."""
        bench.push(a_job(queue="mail"), a_job(queue="reports"))
        mail, reports = (bench.worker(q, queue=q) for q in ("mail", "reports"))
        pause_everywhere(bench, "A")
        with waiting(bench, mail, reports) as (of_mail, of_reports):
            pause_everywhere(bench, "A", paused=False)

            assert of_mail.wait(["mail"], HEARD)
            assert of_reports.wait(["reports"], HEARD)

    def test_a_push_of_what_is_paused_wakes_nobody(self, bench: Bench) -> None:
        """B27, B13: there is nothing to do; another type wakes as ever."""
        pause(bench, "A")
        with waiting(bench, bench.worker("ann", BOTH)) as (ann,):
            bench.push(a_job("A"))
            assert not ann.wait([QUEUE], UNHEARD)

            bench.push(a_job("B"))
            assert ann.wait([QUEUE], HEARD)

    def test_a_claim_passes_no_hint_on_for_what_is_paused(self, bench: Bench) -> None:
        """B27, B13: what it leaves behind is nobody's work."""
        ann, bob = bench.worker("ann", BOTH), bench.worker("bob", BOTH)
        pause(bench, "A")
        with waiting(bench, bob) as (of_bob,):
            bench.push(a_job("A"), a_job("A"))
            bench.push(a_job("B"))
            assert of_bob.wait([QUEUE], HEARD)
            assert bob.claim(1, idle=True).jobs[0].type == "B"
            bob.claim(1, idle=True)

            ann.claim(1)

            assert not of_bob.wait([QUEUE], UNHEARD)

    @only_with(Capability.LIMITS)
    def test_a_resume_of_what_is_not_paused_wakes_nobody(self, bench: Bench) -> None:
        """B13, B27: it has changed nothing."""
        bench.push(a_job("L"), a_job("L"))
        ann, bob = (bench.worker(name, ONE_OF_L) for name in ("ann", "bob"))
        ann.take_one()
        with waiting(bench, bob) as (of_bob,):
            resume(bench)
            resume(bench, "L")

            assert not of_bob.wait([QUEUE], UNHEARD)
