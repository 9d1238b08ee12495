"""How a worker takes over from the dead, batch by batch."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from jobkit.engine import Engine
from jobkit.errors import BackendUnavailable
from jobkit.ids import seeded_ids
from jobkit.store import TakenOver
from jobkit.worker.cycle import Cycle
from jobkit.worker.succession import Succession


class Heir:
    """Takes over from bob, who served "mail" and "default"; notes what ended, and when all is."""

    def __init__(self) -> None:
        engine = Engine(
            handlers=(),
            defaults=None,
            queues=None,
            new_ids=lambda: seeded_ids(lambda: 0, seed=1),
            max_payload=None,
            version="",
            durable=False,
        )
        self.ended: list[tuple[str, str]] = []
        self.is_done = False
        self.succession = Succession(
            engine, lambda queue, job_id: self.ended.append((queue, job_id))
        )
        self.succession.add("bob", self._done)

    def _done(self) -> None:
        self.is_done = True

    def ask(self, **answers: Any) -> list[str]:
        """Send what is planned, give these answers by queue, and return which queues were asked."""
        cycle = Cycle()
        self.succession.plan(cycle, ["mail", "default"])
        queues: list[str] = [operation.queue for operation in cycle.operations]  # type: ignore[attr-defined]  # each names one
        with suppress(BackendUnavailable):
            cycle.heed([answers[queue] for queue in queues])
        return queues


def test_a_queue_is_asked_until_nothing_of_the_dead_is_left() -> None:
    """B37: one that held more than is taken back at once."""
    heir = Heir()
    some, rest = TakenOver(now=0, count=1000, more=True), TakenOver(now=0, count=7, ended=("j",))

    asked = [heir.ask(default=rest, mail=some), heir.ask(mail=some)]
    was_done = heir.is_done
    asked.append(heir.ask(mail=rest))

    assert asked == [["default", "mail"], ["mail"], ["mail"]]
    assert (was_done, heir.is_done, heir.succession.is_pending) == (False, True, False)
    assert heir.ended == [("default", "j"), ("mail", "j")]


def test_a_queue_that_does_not_answer_is_asked_again() -> None:
    """B39"""
    heir = Heir()
    nothing, away = TakenOver(now=0), BackendUnavailable("away", stored="no")

    asked = [heir.ask(default=nothing, mail=away), heir.ask(mail=nothing), heir.ask()]

    assert asked == [["default", "mail"], ["mail"], []]
    assert heir.is_done
