"""Jobs that are prepared together: what they have in common is worked out once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from jobkit.engine.batch import Load
from jobkit.engine.preparing import OwnParts, Plan, Preparer
from jobkit.store import NewJob


class Drafts:
    """Jobs for one push, validated and encoded, without ids as yet."""

    def __init__(self, preparer: Preparer, options: Mapping[str, Any]) -> None:
        self._preparer = preparer
        self._options = options
        self._plans: dict[type, Plan] = {}
        self._drafts: list[tuple[Plan, OwnParts]] = []
        self._load = Load()

    def __len__(self) -> int:
        return len(self._drafts)

    def add(self, job: object) -> None:
        """Validate one more; raises `InvalidJob` or `InvalidOption`."""
        plan = self._plans.get(type(job)) or self._plan(job)
        own = self._preparer.own_parts(job, plan)
        self._load.add(plan.queue, len(own[0]) + len(own[1]))
        self._drafts.append((plan, own))

    def finished(self) -> list[NewJob]:
        """Return all with their ids."""
        counts = Counter([plan.queue for plan, _ in self._drafts])
        several = self._preparer.ids.several
        ids = {queue: iter(several(queue, count)) for queue, count in counts.items()}
        return [plan.job(next(ids[plan.queue]), own) for plan, own in self._drafts]

    def _plan(self, job: object) -> Plan:
        plan = self._preparer.plan(job, self._options)
        if not self._preparer.handlers.enqueue_hooks:  # they may say something else of each job
            self._plans[type(job)] = plan
        return plan
