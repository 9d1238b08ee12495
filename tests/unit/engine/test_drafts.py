"""Jobs of one call share what is the same for all of them, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

import jobkit
from jobkit.engine.batch import MAX_JOBS
from jobkit.engine.drafts import Drafts
from jobkit.engine.preparing import Preparer
from jobkit.handlers import Handlers
from jobkit.ids import queue_hash, queue_hash_of
from jobkit.store import NewJob
from tests.unit.engine.test_preparing import Count, Send, a_preparer


def drafted(preparer: Preparer, jobs: Iterable[object], **options: Any) -> list[NewJob]:
    drafts = Drafts(preparer, options)
    for job in jobs:
        drafts.add(job)
    return drafts.finished()


def test_each_is_as_if_it_were_prepared_alone() -> None:
    options = {"priority": 3, "unique": True, "metadata": {"user": "7"}, "max_retries": 2}
    jobs = [Send(1), Count(1), Send(2), Count(2)]

    alone = [a_preparer().prepare(job, options) for job in jobs]
    together = drafted(a_preparer(), jobs, **options)

    for one, other in zip(alone, together, strict=True):
        assert one == replace(other, id=one.id)


def test_ids_lead_to_the_queue_of_their_job_and_sort_in_the_order_of_the_jobs() -> None:
    made = drafted(a_preparer(), [kind(n) for n in range(50) for kind in (Send, Count)])

    assert [queue_hash_of(new.id) for new in made] == [queue_hash(new.queue) for new in made]
    of_mail = [new.id for new in made if new.queue == "mail"]
    assert of_mail == sorted(set(of_mail))
    assert [new.type.rpartition(".")[2] for new in made[:4]] == ["Send", "Count", "Send", "Count"]


def test_a_hook_is_asked_for_each_job() -> None:
    handlers = Handlers()

    @handlers.on_enqueue
    def by_number(job: object, options: jobkit.EnqueueOptions) -> None:
        assert isinstance(job, Count)
        options["priority"] = job.number

    made = drafted(a_preparer(handlers), [Count(1), Count(2), Count(3)])

    assert [new.priority for new in made] == [1, 2, 3]


def test_metadata_of_a_block_is_that_of_the_jobs_inside_it() -> None:
    """Also if the block is inside of the generator that makes them."""

    def jobs() -> Iterator[Count]:
        yield Count(0)
        with jobkit.metadata(user="7"):
            yield Count(1)
        yield Count(2)

    made = drafted(a_preparer(), jobs())

    assert [new.metadata for new in made] == [b"", b'{"user":"7"}', b""]


def test_too_much_is_refused_at_the_job_that_is_too_much() -> None:
    """B4: not when an endless iterable has ended."""
    drafts = Drafts(a_preparer(), {})
    for n in range(MAX_JOBS):
        drafts.add(Count(n))

    with pytest.raises(jobkit.InvalidJob, match="10,001 jobs"):
        drafts.add(Count(0))


def test_a_bad_option_is_refused_at_the_first_job_of_its_type() -> None:
    """B4"""
    drafts = Drafts(a_preparer(), {"priority": "high"})

    with pytest.raises(jobkit.InvalidOption, match="priority"):
        drafts.add(Count(0))
