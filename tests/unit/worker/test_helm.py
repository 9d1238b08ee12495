"""The helm: one of two threads has it, and the other one goes on when that is kept elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable

from jobkit.worker.helm import Helm
from tests.e2e.waiting import eventually, heard

PATIENCE = 20.0


class Round:
    """A loop of so many rounds, each of which leaves the helm for some work."""

    def __init__(self, works: list[Callable[[], object]]) -> None:
        self.works = works
        self.steering = 0
        self.most = 0
        self.by: list[int] = []
        self.lost = 0
        self._lock = threading.Lock()
        self.helm = Helm(self.steer, name="helm-of-a-test")

    def steer(self) -> bool:
        self._enter()
        while self.works:
            if not self.helm.may_be_left():
                continue  # the mate is on its way to its bed, or it is not worth it
            work = self.works.pop()
            self._leave()
            if not self.helm.leave_for(work):
                self.lost += 1
                return False
            self._enter()
        self._leave()
        return True

    def _enter(self) -> None:
        with self._lock:
            self.steering += 1
            self.most = max(self.most, self.steering)
            self.by.append(threading.get_ident())

    def _leave(self) -> None:
        with self._lock:
            self.steering -= 1


def threads_left() -> int:
    return sum(thread.name == "helm-of-a-test" for thread in threading.enumerate())


def test_the_mate_goes_on_while_work_keeps_the_other_and_comes_to_its_end() -> None:
    """B23: no handler keeps the loop from what else there is to do."""
    kept, is_kept = threading.Event(), threading.Event()

    def work() -> None:
        is_kept.set()
        kept.wait(PATIENCE)

    rounds = Round([work])

    rounds.helm.start()
    heard(is_kept)

    assert rounds.helm.wait_until_ended(PATIENCE)  # by the mate: the work is not done
    assert len(set(rounds.by)) == 2
    kept.set()
    eventually(lambda: threads_left() == 0)
    assert rounds.lost == 1


def test_a_mate_that_is_not_woken_any_more_goes_on_as_well() -> None:
    """B23: where work was quick for long, it watches."""
    kept, is_kept = threading.Event(), threading.Event()

    def work() -> None:
        is_kept.set()
        kept.wait(PATIENCE)

    def quick() -> None:
        rounds.works.append(work if vars(rounds.helm)["_is_watched"] else quick)

    rounds = Round([quick])

    rounds.helm.start()
    heard(is_kept)

    assert rounds.helm.wait_until_ended(PATIENCE)  # by the mate: the work is not done
    kept.set()
    eventually(lambda: threads_left() == 0)
    assert rounds.most == 1


def test_a_mate_that_watches_in_vain_sleeps_again() -> None:
    """B13: an idle worker does not look round."""
    goes_on = threading.Event()

    def quick() -> None:
        rounds.works.append(rest if vars(rounds.helm)["_is_watched"] else quick)

    def rest() -> None:
        """Be the last work for now: the loop has the helm, and waits."""

    rounds = Round([quick])
    steer = rounds.steer
    vars(rounds.helm)["_steer"] = lambda: steer() and goes_on.wait(PATIENCE)

    rounds.helm.start()

    eventually(lambda: not rounds.works and not vars(rounds.helm)["_is_watched"])
    goes_on.set()
    assert rounds.helm.wait_until_ended(PATIENCE)
    eventually(lambda: threads_left() == 0)


def test_one_has_the_helm_at_a_time_however_they_meet() -> None:
    """B23"""
    none = threading.Event()
    works: list[Callable[[], object]] = [
        (lambda: None) if n % 3 else (lambda: none.wait(0.0005)) for n in range(300)
    ]
    rounds = Round(works)

    rounds.helm.start()

    assert rounds.helm.wait_until_ended(PATIENCE)
    assert (rounds.most, rounds.works) == (1, [])
    eventually(lambda: threads_left() == 0)


def test_a_loop_that_goes_on_is_waited_for_no_longer_than_was_said() -> None:
    """B52"""
    end = threading.Event()
    helm = Helm(lambda: end.wait(PATIENCE), name="helm-of-a-test")

    assert helm.wait_until_ended(0.0)  # it has not begun
    helm.start()
    assert not helm.wait_until_ended(0.01)
    end.set()

    assert helm.wait_until_ended(PATIENCE)
    eventually(lambda: threads_left() == 0)
