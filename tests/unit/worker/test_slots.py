"""Slots: who may run, and who is next."""

from __future__ import annotations

import threading

from jobkit.worker.slots import Slots
from jobkit.worker.work import Work
from tests.unit.worker.claimed import a_claimed_job


def a_work(name: str) -> Work:
    return Work(a_claimed_job(name), lease_until=0.0)


def test_as_many_start_as_there_are_slots_and_the_others_wait_in_line() -> None:
    """B13"""
    slots = Slots(2)
    ann, bob, eve, joe = map(a_work, ("ann", "bob", "eve", "joe"))

    assert slots.enter([ann]) == [ann]
    assert slots.enter([bob, eve, joe]) == [bob]
    assert (slots.free, slots.waiting) == (0, 2)


def test_whoever_is_done_passes_the_slot_on() -> None:
    """B13"""
    slots = Slots(2)
    ann, bob, eve, joe = map(a_work, ("ann", "bob", "eve", "joe"))
    slots.enter([ann, bob, eve, joe])

    assert slots.leave() == [eve]
    assert slots.leave(2) == [joe]
    assert (slots.free, slots.waiting) == (1, 0)
    assert slots.leave() == []
    assert slots.free == 2


def test_a_closed_line_starts_nobody_and_tells_who_waited() -> None:
    """B52"""
    slots = Slots(1)
    ann, bob, eve = map(a_work, ("ann", "bob", "eve"))
    slots.enter([ann, bob])

    assert slots.close() == [bob]
    assert slots.leave() == slots.enter([eve]) == []
    assert slots.close() == [eve]


def test_threads_that_come_and_go_never_take_more_than_there_is() -> None:
    """B13"""
    slots, total = Slots(3), 400
    lock, seen, most, running = threading.Lock(), list[Work](), 0, 0

    def run(works: list[Work]) -> None:
        nonlocal most, running
        while works:
            with lock:
                seen.extend(works)
                running += len(works)
                most = max(most, running)
            with lock:
                running -= len(works)
            works = slots.leave(len(works))

    def come_and_go() -> None:
        for _ in range(total // 4):
            run(slots.enter([a_work("some")]))

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == len(set(seen)) == total
    assert most <= 3
    assert (slots.free, slots.waiting) == (3, 0)
