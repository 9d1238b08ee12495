"""The pytest plugin; it imports pytest and the standard library only, and jobkit when it is used.

Fixtures `jobs`, `jobkit_clock` and `any_jobs`; the marker `jobkit(start=, seed=, leftover=)`. A
test that fails shows the timeline of its jobs. A project with handlers of its own overrides
`jobs`; what follows works for every `TestingJobs` among a test's fixtures.

Two parts are loaded when options ask for them: `sides` compares the backends of `any_jobs`, and
`guard` looks after payloads.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator, Sequence
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from jobkit_testing.clock import VirtualClock
    from jobkit_testing.jobs import TestingJobs

BACKENDS = ("memory", "fakeredis", "redis")
LEFTOVER = ("allow", "warn", "error")
MARKER = "jobkit(start=None, seed=0, leftover=None): when the clock of `jobs` begins (an aware \
datetime or ISO text), its seed, and what jobs that are left at the end are: allow, warn or error"
EXPECTED = '  If that is as it should be, end the test with {}.reset(), or mark it \
@pytest.mark.jobkit(leftover="allow")'
REDIS_URL = "JOBKIT_REDIS_URL"
_HAS_PASSED = pytest.StashKey[bool]()
_BACKENDS = pytest.StashKey[list[str]]()
_TROUBLE = pytest.StashKey[str]()


class LeftoverWarning(pytest.PytestWarning):
    """A test has left jobs waiting."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options."""
    group = parser.getgroup("jobkit", "jobkit: background jobs that you can test")
    group.addoption("--jobkit-backend", action="append", metavar="BACKEND",
        help="a store on which any_jobs runs: memory (default), fakeredis or redis; may be "
             "repeated, or a list: memory,redis")  # fmt: skip
    group.addoption("--jobkit-redis-url", metavar="URL",
        help=f"the Redis of --jobkit-backend=redis (default: ${REDIS_URL}); each test gets a "
             "namespace of its own there, and removes it")  # fmt: skip
    group.addoption("--jobkit-payloads", metavar="DIR",
        help="fail if a job type does not read all that DIR (in rootdir) has")  # fmt: skip
    group.addoption("--jobkit-payloads-update", action="store_true",
        help="record in DIR what this run enqueues, and forget what is no longer read")  # fmt: skip
    parser.addini("jobkit_leftover", "what jobs that a test leaves are: allow, warn or error",
        default="allow")  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, refuse what cannot be had, and load the parts that are asked for."""
    config.addinivalue_line("markers", MARKER)
    if (mode := config.getini("jobkit_leftover")) not in LEFTOVER:
        raise pytest.UsageError(f"jobkit_leftover={mode!r}: give {', '.join(LEFTOVER)}")
    _set_guard(config)
    config.stash[_BACKENDS] = chosen = _chosen_backends(config)
    if len(chosen) > 1:
        from jobkit_testing.sides import Sides

        config.pluginmanager.register(Sides(chosen), "jobkit-sides")


def _set_guard(config: pytest.Config) -> None:
    """Guard payloads, if it is asked for."""
    given: str | None = config.getoption("jobkit_payloads", None)
    update = bool(config.getoption("jobkit_payloads_update", False))
    if given is None:
        if update:
            raise pytest.UsageError("--jobkit-payloads-update: where? Give --jobkit-payloads=DIR")
        return
    folder = config.rootpath / given
    if not update and not folder.is_dir():
        raise pytest.UsageError(
            f"--jobkit-payloads={given}: there is no such directory in {config.rootpath}; "
            "--jobkit-payloads-update makes it"
        )
    from jobkit_testing.guard import PayloadGuard

    config.pluginmanager.register(PayloadGuard(config, folder, update=update), "jobkit-payloads")


@pytest.hookimpl(tryfirst=True)  # so that the backend comes first among the parameters
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests of `any_jobs` once on each store."""
    if "any_jobs" in metafunc.fixturenames:
        chosen = metafunc.config.stash[_BACKENDS]
        metafunc.parametrize("any_jobs", chosen, indirect=True)


def pytest_report_collectionfinish(items: Sequence[pytest.Item]) -> list[str]:
    """Say which stores are judged, by which version of the suite."""
    suites = sys.modules.get("jobkit_testing.conformance")
    return (
        [] if suites is None else suites.report_lines(getattr(item, "cls", None) for item in items)
    )


@pytest.fixture
def jobkit_clock(request: pytest.FixtureRequest) -> VirtualClock:
    """The virtual clock of `jobs` and `any_jobs`."""
    from jobkit_testing.clock import VirtualClock

    return VirtualClock(_start(_marked(request.node)))


@pytest.fixture
def jobs(request: pytest.FixtureRequest, jobkit_clock: VirtualClock) -> Iterator[TestingJobs]:
    """A fresh TestingJobs: nothing runs until told."""
    from jobkit_testing.jobs import TestingJobs

    with TestingJobs(clock=jobkit_clock, seed=_seed(request)) as jobs:
        yield jobs


@pytest.fixture
def any_jobs(request: pytest.FixtureRequest, jobkit_clock: VirtualClock) -> Iterator[TestingJobs]:
    """A fresh TestingJobs over each store that --jobkit-backend names."""
    from jobkit_testing.jobs import TestingJobs
    from jobkit_testing.places import open_store

    backend, url = _backend(request), _redis_url(request.config)
    if backend == "redis":
        _check_redis(request.config, url)
    with (
        open_store(backend, url=url, clock=jobkit_clock) as store,
        TestingJobs(clock=jobkit_clock, seed=_seed(request), store=store) as jobs,
    ):
        yield jobs


def _backend(request: pytest.FixtureRequest) -> str:
    """Return the backend of this run of a test: its parameter, unless it has asked too late."""
    chosen = request.config.stash[_BACKENDS]
    if not hasattr(request, "param") and len(chosen) > 1:
        pytest.fail(
            "any_jobs: with several backends, name it among the test's parameters; "
            "getfixturevalue comes too late to run the test on each of them",
            pytrace=False,
        )
    return str(getattr(request, "param", chosen[0]))


def _check_redis(config: pytest.Config, url: str) -> None:
    """Fail a test whose Redis cannot be used; it is asked once, at the first of them."""
    if _TROUBLE not in config.stash:
        from jobkit_testing.redis_places import trouble_with

        config.stash[_TROUBLE] = trouble_with(url)
    if trouble := config.stash[_TROUBLE]:
        pytest.fail(f"--jobkit-backend=redis: {trouble}", pytrace=False)


def _redis_url(config: pytest.Config) -> str:
    return config.getoption("jobkit_redis_url") or os.environ.get(REDIS_URL, "")


def _chosen_backends(config: pytest.Config) -> list[str]:
    """Return the stores of any_jobs; raise `UsageError` for those that cannot be had."""
    given: list[str] = config.getoption("jobkit_backend", None) or ["memory"]
    names = list(dict.fromkeys(name.strip() for each in given for name in each.split(",")))
    for name in names:
        if name not in BACKENDS:
            raise pytest.UsageError(f"--jobkit-backend={name}: give {', '.join(BACKENDS)}")
    missing = [name for name in ("fakeredis", "lupa") if find_spec(name) is None]
    if "fakeredis" in names and missing:
        raise pytest.UsageError(
            f"--jobkit-backend=fakeredis: {' and '.join(missing)} is not installed; "
            "pip install 'fakeredis[lua]'"
        )
    if "redis" in names and not _redis_url(config):
        raise pytest.UsageError(
            f"--jobkit-backend=redis: where is it? Give --jobkit-redis-url or {REDIS_URL}"
        )
    return names


def _seed(request: pytest.FixtureRequest) -> Any:
    seed: object = _marked(request.node).get("seed", 0)
    if type(seed) is not int:
        _refuse(f"seed={seed!r}: give an int")
    return seed


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
            texts.append(f"{error}\n{EXPECTED.format(name)}")
    return "\n".join(texts)


def _leftover_mode(item: pytest.Item) -> str:
    marked: str | None = _marked(item).get("leftover")
    return marked or str(item.config.getini("jobkit_leftover"))


def _all_jobs(item: pytest.Item) -> list[tuple[str, TestingJobs]]:
    """List the fixtures of a test that are TestingJobs."""
    found: dict[int, tuple[str, TestingJobs]] = {}
    fixtures: dict[str, Any] = getattr(item, "funcargs", None) or {}
    for name, value in fixtures.items():
        if is_testing_jobs(value):
            found.setdefault(id(value), (name, value))
    return list(found.values())


def is_testing_jobs(value: object) -> bool:
    """Tell without an import: a run that uses no jobkit must not load it."""
    home = ("jobkit_testing.jobs", "TestingJobs")
    return any((cls.__module__, cls.__qualname__) == home for cls in type(value).__mro__)


def _marked(node: pytest.Item) -> dict[str, Any]:
    """Return what the markers of a test say; the closest one wins."""
    marked: dict[str, Any] = {}
    for marker in reversed(list(node.iter_markers("jobkit"))):
        unknown = [*map(repr, marker.args), *(marker.kwargs.keys() - {"start", "seed", "leftover"})]
        if unknown:
            _refuse(f"does not take {unknown[0]}; it is {MARKER}")
        marked |= marker.kwargs
    leftover = marked.get("leftover")
    if leftover not in (None, *LEFTOVER):
        _refuse(f"leftover={leftover!r}: give {', '.join(LEFTOVER)}")
    return marked


def _refuse(words: str) -> NoReturn:
    """Fail the test for its marker, in one line: nobody needs to read this module."""
    pytest.fail(f"marker jobkit: {words}", pytrace=False)


def _start(marked: dict[str, Any]) -> datetime | None:
    given = start = marked.get("start")
    try:
        start = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError as error:
        _refuse(f"start={given!r}: {error}")
    if start is None or (isinstance(start, datetime) and start.utcoffset() is not None):
        return start
    return _refuse(f"start={given!r}: give an aware datetime, or its text: '2030-01-01T00:00Z'")
