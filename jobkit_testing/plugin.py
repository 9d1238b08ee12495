"""The pytest plugin; it imports pytest and the standard library only, and jobkit when it is used.

Fixtures `jobs`, `jobkit_clock` and `any_jobs`; the marker `jobkit(start=, seed=, leftover=)`. A
test that fails shows the timeline of its jobs. A project with handlers of its own overrides
`jobs`; what follows works for every `TestingJobs` among a test's fixtures.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from jobkit_testing.clock import VirtualClock
    from jobkit_testing.jobs import TestingJobs

BACKENDS = ("memory", "fakeredis", "redis")
LEFTOVER = ("allow", "warn", "error")
MARKER = "jobkit(start=None, seed=0, leftover=None): when the clock of `jobs` begins (an aware \
datetime or ISO text), its seed, and what jobs that are left at the end are: allow, warn or error"
LATER = {
    "jobkit_redis_url": "--jobkit-redis-url",
    "jobkit_payloads": "--jobkit-payloads",
    "jobkit_payloads_update": "--jobkit-payloads-update",
}
_HAS_PASSED = pytest.StashKey[bool]()


class LeftoverWarning(pytest.PytestWarning):
    """A test has left jobs waiting."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options."""
    group = parser.getgroup("jobkit", "jobkit: background jobs that you can test")
    group.addoption("--jobkit-backend", action="append", choices=BACKENDS, metavar="BACKEND",
        help="a store on which any_jobs runs; may be repeated (default: memory)")  # fmt: skip
    group.addoption("--jobkit-redis-url", metavar="URL", help="the Redis of --jobkit-backend=redis")
    group.addoption("--jobkit-payloads", metavar="DIR", help="payloads that have to decode")
    group.addoption("--jobkit-payloads-update", action="store_true", help="write them anew")
    parser.addini("jobkit_leftover", "what jobs that a test leaves are: allow, warn or error",
        default="allow")  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and refuse what is not supported."""
    config.addinivalue_line("markers", MARKER)
    _checked_leftover("jobkit_leftover", config.getini("jobkit_leftover"))
    for name, option in LATER.items():
        if config.getoption(name, None):
            raise pytest.UsageError(f"{option} is not supported yet")
    for backend in config.getoption("jobkit_backend", None) or ():
        if backend != "memory":
            raise pytest.UsageError(f"--jobkit-backend={backend} is not supported yet")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests of `any_jobs` once on each store."""
    if "any_jobs" in metafunc.fixturenames:
        chosen: list[str] = metafunc.config.getoption("jobkit_backend") or ["memory"]
        metafunc.parametrize("any_jobs", list(dict.fromkeys(chosen)), indirect=True)


@pytest.fixture
def jobkit_clock(request: pytest.FixtureRequest) -> VirtualClock:
    """The virtual clock of `jobs` and `any_jobs`."""
    from jobkit_testing.clock import VirtualClock

    return VirtualClock(_start(_marked(request.node).get("start")))


@pytest.fixture
def jobs(request: pytest.FixtureRequest, jobkit_clock: VirtualClock) -> Iterator[TestingJobs]:
    """A fresh TestingJobs: nothing runs until told."""
    yield from _testing_jobs(request, jobkit_clock)


@pytest.fixture
def any_jobs(request: pytest.FixtureRequest, jobkit_clock: VirtualClock) -> Iterator[TestingJobs]:
    """A fresh TestingJobs over each chosen store: see --jobkit-backend."""
    yield from _testing_jobs(request, jobkit_clock)


def _testing_jobs(request: pytest.FixtureRequest, clock: VirtualClock) -> Iterator[TestingJobs]:
    from jobkit_testing.jobs import TestingJobs

    with TestingJobs(clock=clock, seed=_marked(request.node).get("seed", 0)) as jobs:
        yield jobs


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, Any]:
    """Show what happened to the jobs of a test that failed."""
    report = yield
    if report.when == "call":
        item.stash[_HAS_PASSED] = report.passed
    if report.failed:
        for name, jobs in _all_jobs(item):
            if jobs.timeline.events:
                report.sections.append((f"jobkit timeline of {name!r}", jobs.timeline.story()))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Look for jobs that a test which passed has left; fixtures are torn down all the same."""
    text = _leftovers(item) if item.stash.get(_HAS_PASSED, False) else ""
    yield
    if text:
        if _leftover_mode(item) == "error":
            pytest.fail(text, pytrace=False)
        item.warn(LeftoverWarning(text))


def _leftovers(item: pytest.Item) -> str:
    if _leftover_mode(item) == "allow":
        return ""
    texts: list[str] = []
    for name, jobs in _all_jobs(item):
        try:
            jobs.assert_empty(msg=f"fixture {name!r} at the end of the test:")
        except AssertionError as error:
            texts.append(str(error))
    return "\n".join(texts)


def _leftover_mode(item: pytest.Item) -> str:
    marked: str | None = _marked(item).get("leftover")
    return marked or str(item.config.getini("jobkit_leftover"))


def _all_jobs(item: pytest.Item) -> list[tuple[str, TestingJobs]]:
    """List the fixtures of a test that are TestingJobs."""
    found: dict[int, tuple[str, TestingJobs]] = {}
    fixtures: dict[str, Any] = getattr(item, "funcargs", None) or {}
    for name, value in fixtures.items():
        if _is_testing_jobs(value):
            found.setdefault(id(value), (name, value))
    return list(found.values())


def _is_testing_jobs(value: object) -> bool:
    """Tell without an import: a run that uses no jobkit must not load it."""
    home = ("jobkit_testing.jobs", "TestingJobs")
    return any((cls.__module__, cls.__qualname__) == home for cls in type(value).__mro__)


def _marked(node: pytest.Item) -> dict[str, Any]:
    """Return what the markers of a test say; the closest one wins."""
    marked: dict[str, Any] = {}
    for marker in reversed(list(node.iter_markers("jobkit"))):
        unknown = [*map(repr, marker.args), *(marker.kwargs.keys() - {"start", "seed", "leftover"})]
        if unknown:
            raise pytest.UsageError(f"marker jobkit does not take {unknown[0]}; it is {MARKER}")
        marked |= marker.kwargs
    if marked.get("leftover") is not None:
        _checked_leftover("marker jobkit: leftover", marked["leftover"])
    return marked


def _checked_leftover(where: str, mode: object) -> None:
    if mode not in LEFTOVER:
        raise pytest.UsageError(f"{where}={mode!r}: give {', '.join(LEFTOVER)}")


def _start(start: datetime | str | None) -> datetime | None:
    if not isinstance(start, str):
        return start
    try:
        return datetime.fromisoformat(start)
    except ValueError as error:
        raise pytest.UsageError(f"marker jobkit: start={start!r}: {error}") from None
