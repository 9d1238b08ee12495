"""What a test asserts on jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar, Unpack, overload

from jobkit.errors import InvalidOption
from jobkit.jobtype import DataclassLike
from jobkit.protocols import Schedule
from jobkit.record import WAITING, JobState
from jobkit.report import Matches
from jobkit.store import StoredJob
from jobkit_testing.looking import Looking
from jobkit_testing.matching import Match, Pattern, pattern
from jobkit_testing.messages import not_as_expected, not_exactly, not_the_total
from jobkit_testing.pairing import pair_up
from jobkit_testing.recurring import Recurring

J = TypeVar("J", bound=DataclassLike)
Part = Mapping[str, object]


class Assertions(Looking):
    """The assertions; each raises `AssertionError`, which shows what there is.

    `spec` is a job class, or an instance that the payload has to equal (`ANY`, `pytest.approx`
    and the like work as values of its fields). `times` None: at least one. `payload` is a part
    of the fields, `where` a condition on the payload; `msg` adds words to the failure.
    """

    def assert_empty(self, *, msg: str | None = None) -> None:
        """Assert that no job waits."""
        __tracebackhide__ = True
        if self._reader.count_waiting():
            self._fail(not_the_total(self._scene("waiting"), "none"), msg)

    def assert_not_empty(self, *, msg: str | None = None) -> None:
        """Assert that some job waits."""
        __tracebackhide__ = True
        if not self._reader.count_waiting():
            self._fail(not_the_total(self._scene("waiting"), "some"), msg)

    def assert_queued_total(self, n: int, *, msg: str | None = None) -> None:
        """Assert that exactly so many jobs wait."""
        __tracebackhide__ = True
        if self._reader.count_waiting() != _checked_times("assert_queued_total", n):
            self._fail(not_the_total(self._scene("waiting"), str(n)), msg)

    @overload
    def assert_queued(
        self,
        spec: type[J],
        times: int | None = None,
        /,
        *,
        payload: Part | None = None,
        where: Callable[[J], bool] | None = None,
        msg: str | None = None,
        **match: Unpack[Match],
    ) -> Matches[J]: ...
    @overload
    def assert_queued(
        self,
        spec: J,
        times: int | None = None,
        /,
        *,
        payload: Part | None = None,
        where: Callable[[J], bool] | None = None,
        msg: str | None = None,
        **match: Unpack[Match],
    ) -> Matches[J]: ...
    def assert_queued(self, spec: Any, times: int | None = None, /, **asked: Any) -> Matches[Any]:
        """Assert that exactly `times` matching jobs wait, and return them."""
        __tracebackhide__ = True
        return self._assert("assert_queued", "waiting", spec, times, asked)

    @overload
    def assert_not_queued(
        self,
        spec: type[J],
        /,
        *,
        payload: Part | None = None,
        where: Callable[[J], bool] | None = None,
        msg: str | None = None,
        **match: Unpack[Match],
    ) -> None: ...
    @overload
    def assert_not_queued(
        self,
        spec: J,
        /,
        *,
        payload: Part | None = None,
        where: Callable[[J], bool] | None = None,
        msg: str | None = None,
        **match: Unpack[Match],
    ) -> None: ...
    def assert_not_queued(self, spec: Any, /, **asked: Any) -> None:
        """Assert that no matching job waits."""
        __tracebackhide__ = True
        self._assert("assert_not_queued", "waiting", spec, 0, asked)

    @overload
    def assert_performed(
        self,
        spec: type[J],
        times: int | None = None,
        /,
        *,
        payload: Part | None = None,
        where: Callable[[J], bool] | None = None,
        msg: str | None = None,
        **match: Unpack[Match],
    ) -> Matches[J]: ...
    @overload
    def assert_performed(
        self,
        spec: J,
        times: int | None = None,
        /,
        *,
        payload: Part | None = None,
        where: Callable[[J], bool] | None = None,
        msg: str | None = None,
        **match: Unpack[Match],
    ) -> Matches[J]: ...
    def assert_performed(
        self, spec: Any, times: int | None = None, /, **asked: Any
    ) -> Matches[Any]:
        """Assert that matching jobs ran and succeeded, and return them."""
        __tracebackhide__ = True
        return self._assert("assert_performed", "performed", spec, times, asked)

    @overload
    def assert_failed(
        self,
        spec: type[J],
        times: int | None = None,
        /,
        *,
        payload: Part | None = None,
        where: Callable[[J], bool] | None = None,
        msg: str | None = None,
        **match: Unpack[Match],
    ) -> Matches[J]: ...
    @overload
    def assert_failed(
        self,
        spec: J,
        times: int | None = None,
        /,
        *,
        payload: Part | None = None,
        where: Callable[[J], bool] | None = None,
        msg: str | None = None,
        **match: Unpack[Match],
    ) -> Matches[J]: ...
    def assert_failed(self, spec: Any, times: int | None = None, /, **asked: Any) -> Matches[Any]:
        """Assert that the last attempt of matching jobs failed or timed out, and return them."""
        __tracebackhide__ = True
        return self._assert("assert_failed", "failed", spec, times, asked)

    @overload
    def assert_dead(
        self,
        spec: type[J],
        times: int | None = None,
        /,
        *,
        payload: Part | None = None,
        where: Callable[[J], bool] | None = None,
        msg: str | None = None,
        **match: Unpack[Match],
    ) -> Matches[J]: ...
    @overload
    def assert_dead(
        self,
        spec: J,
        times: int | None = None,
        /,
        *,
        payload: Part | None = None,
        where: Callable[[J], bool] | None = None,
        msg: str | None = None,
        **match: Unpack[Match],
    ) -> Matches[J]: ...
    def assert_dead(self, spec: Any, times: int | None = None, /, **asked: Any) -> Matches[Any]:
        """Assert that matching jobs are dead, and return them."""
        __tracebackhide__ = True
        return self._assert("assert_dead", "dead", spec, times, asked)

    @overload
    def assert_cancelled(
        self,
        spec: type[J],
        times: int | None = None,
        /,
        *,
        payload: Part | None = None,
        where: Callable[[J], bool] | None = None,
        msg: str | None = None,
        **match: Unpack[Match],
    ) -> Matches[J]: ...
    @overload
    def assert_cancelled(
        self,
        spec: J,
        times: int | None = None,
        /,
        *,
        payload: Part | None = None,
        where: Callable[[J], bool] | None = None,
        msg: str | None = None,
        **match: Unpack[Match],
    ) -> Matches[J]: ...
    def assert_cancelled(
        self, spec: Any, times: int | None = None, /, **asked: Any
    ) -> Matches[Any]:
        """Assert that matching jobs were cancelled, and return them."""
        __tracebackhide__ = True
        return self._assert("assert_cancelled", "cancelled", spec, times, asked)

    def assert_queued_exactly(
        self,
        *specs: DataclassLike | type[DataclassLike],
        ordered: bool = False,
        msg: str | None = None,
    ) -> None:
        """Assert that these jobs wait and no others; `ordered`: enqueued in this order."""
        __tracebackhide__ = True
        waiting = self._reader.waiting()
        patterns = [_any_pattern("assert_queued_exactly", spec) for spec in specs]
        fits = [[each.fits(job) for job in waiting] for each in patterns]
        owner = pair_up(fits)
        missing = [p for row, p in enumerate(patterns) if row not in owner.values()]
        extra = [job for column, job in enumerate(waiting) if column not in owner]
        scene = self._scene("waiting")
        if missing or extra:
            headline = "the waiting jobs are not exactly those expected"
            self._fail(not_exactly(scene, headline, missing=missing, unexpected=extra), msg)
        if ordered and not all(fits[place][place] for place in range(len(waiting))):
            headline = "the expected jobs wait, but were enqueued in another order"
            self._fail(not_exactly(scene, headline), msg)

    def assert_recurring(
        self,
        spec: str | timedelta | Schedule,
        job: DataclassLike | type[DataclassLike] | None = None,
        *,
        msg: str | None = None,
    ) -> None:
        """Assert that a schedule with this spec (or name) exists, that makes such a job.

        `job`: a class, or an instance that the payload has to equal.
        """
        __tracebackhide__ = True
        wanted = Recurring(spec, job)
        found = self.inspect.schedules()
        if not any(map(wanted.fits, found)):
            scene = self._scene("waiting")
            self._fail("\n".join([wanted.missing(found, scene.now), *scene.foot()]), msg)

    def _assert(
        self, of: str, kind: str, spec: Any, times: int | None, asked: dict[str, Any]
    ) -> Matches[Any]:
        __tracebackhide__ = True
        msg, payload, where = (asked.pop(name, None) for name in ("msg", "payload", "where"))
        match: Any = asked
        wanted: Pattern[Any] = pattern(of, spec, payload=payload, where=where, match=match)
        if kind == "waiting":
            _check_state(of, match)
        expected = _checked_times(of, times)
        candidates = self._candidates(kind)
        found = wanted.among(candidates)
        if (not found) if expected is None else len(found) != expected:
            self._fail(not_as_expected(self._scene(kind, candidates), wanted, found, times), msg)
        return self._matches(found)

    def _candidates(self, kind: str) -> Sequence[StoredJob]:
        match kind:
            case "waiting":
                return self._reader.waiting()
            case "failed":
                return self._reader.failed()
            case "performed":
                return self._reader.ended(JobState.SUCCEEDED)
            case _:
                return self._reader.ended(JobState(kind))


def _any_pattern(of: str, spec: Any) -> Pattern[Any]:
    return pattern(of, spec, match={})


def _checked_times(of: str, times: Any) -> int | None:
    if times is None or (type(times) is int and times >= 0):
        return times
    raise InvalidOption(f"{of}: {times!r} jobs: give an int of at least 0")


def _check_state(of: str, match: Mapping[str, Any]) -> None:
    if "state" in match and match["state"] not in WAITING:
        names = ", ".join(sorted(WAITING))
        raise InvalidOption(f"{of}: state={match['state']!r}: a waiting job is {names}")
