"""Plans of calls are kept, and no call gets the plan of another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import pytest

import jobkit
from jobkit.engine.preparing import PLANS_KEPT, Preparer
from jobkit.handlers import Handlers
from jobkit.handlerset import HandlerSet
from jobkit.ids import seeded_ids


@jobkit.job(queue="mail", priority=7)
@dataclass(frozen=True)
class Send:
    user_id: int


@dataclass(frozen=True)
class Count:
    number: int


class Queues(StrEnum):
    CHURCH = "church"


def a_preparer(handlers: Handlers | None = None, **defaults: Any) -> Preparer:
    return Preparer(
        handlers=HandlerSet(handlers or Handlers()),
        defaults=defaults,
        ids=seeded_ids(lambda: 0, 1),
        max_payload=1_000,
        durable=True,
    )


def prepared(preparer: Preparer, job: object, **options: Any) -> tuple[str, int, int, bytes]:
    new = preparer.prepare(job, options)
    return new.queue, new.priority, new.delay, new.metadata


def test_the_same_call_finds_the_plan_of_the_one_before() -> None:
    preparer = a_preparer()
    calls: list[Mapping[str, Any]] = [{}, {"queue": "church"}, {"delay": timedelta(seconds=2)}]

    first = [prepared(preparer, Send(1), **options) for options in calls]
    kept = dict(preparer.plans)
    second = [prepared(preparer, Send(2), **options) for options in calls]

    assert first == second == [("mail", 7, 0, b""), ("church", 7, 0, b""), ("mail", 7, 2000, b"")]
    assert len(kept) == 3
    assert all(preparer.plans[key] is plan for key, plan in kept.items())


def test_another_type_and_another_option_have_plans_of_their_own() -> None:
    preparer = a_preparer()

    assert prepared(preparer, Send(1), queue="church")[:2] == ("church", 7)
    assert prepared(preparer, Count(1), queue="church")[:2] == ("church", 0)
    assert prepared(preparer, Send(1), queue="church", priority=0)[:2] == ("church", 0)
    assert prepared(preparer, Send(1), queue="mail")[:2] == ("mail", 7)


def test_a_value_that_only_equals_a_good_one_is_refused() -> None:
    """True equals 1, and is no priority."""
    preparer = a_preparer()
    prepared(preparer, Count(1), priority=1, max_retries=0)

    for options in ({"priority": True}, {"priority": 1.0}, {"max_retries": False}):
        with pytest.raises(jobkit.InvalidOption):
            prepared(preparer, Count(1), **{"priority": 1, "max_retries": 0, **options})


def test_a_member_of_an_enum_names_the_same_queue() -> None:
    preparer = a_preparer()

    assert prepared(preparer, Count(1), queue="church") == prepared(
        preparer, Count(1), queue=Queues.CHURCH
    )


def test_what_callers_may_change_later_is_looked_at_each_time() -> None:
    """B7"""
    preparer = a_preparer()
    metadata = {"user": "7"}
    before = prepared(preparer, Count(1), metadata=metadata)
    metadata["user"] = "8"

    assert before[3] == b'{"user":"7"}'
    assert prepared(preparer, Count(1), metadata=metadata)[3] == b'{"user":"8"}'


def test_only_so_many_plans_are_kept() -> None:
    preparer = a_preparer()
    for number in range(PLANS_KEPT + 10):
        assert prepared(preparer, Count(1), queue=f"of-{number}")[0] == f"of-{number}"

    assert len(preparer.plans) <= PLANS_KEPT
