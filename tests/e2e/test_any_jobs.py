"""The fixture `any_jobs`: one test on several stores."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from tests.inner_runs import Run
from tests.servers import RedisServer, free_port

pytest_plugins = ["pytester"]

EVERYWHERE = "--jobkit-backend=memory,fakeredis"
ALSO_ON_REDIS = "--jobkit-backend=redis"

STORY = """
@pytest.fixture
def any_jobs(any_jobs):
    any_jobs.register(lambda job: None, job=SendMail)
    return any_jobs

@pytest.mark.jobkit(start="2030-01-01T00:00Z", seed=7)
def test_it(any_jobs, jobkit_clock):
    assert (any_jobs.clock, any_jobs.seed) == (jobkit_clock, 7)
    any_jobs.enqueue(SendMail(1), delay=timedelta(days=7))
    any_jobs.run_for(timedelta(days=7))
    any_jobs.assert_performed(SendMail, 1)
    assert any_jobs.clock.now() == datetime(2030, 1, 8, tzinfo=UTC)
    any_jobs.enqueue(SendMail(2))

def test_that_fails(any_jobs):
    any_jobs.assert_empty()
    any_jobs.enqueue(SendMail(3))
    any_jobs.inspect.pause(type=SendMail)
    assert False
"""


def test_it_runs_on_memory_unless_told(run: Run) -> None:
    result = run("def test_it(any_jobs): any_jobs.assert_empty()", "-v")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*test_it?memory? PASSED*"])


def test_a_test_runs_on_each_store_in_virtual_time_and_leaves_nothing(
    run: Run, redis_server: RedisServer
) -> None:
    """B55: a handler of an overriding fixture included; also when the test fails."""
    result = run(STORY, EVERYWHERE, ALSO_ON_REDIS, f"--jobkit-redis-url={redis_server.url}", "-v")

    result.assert_outcomes(passed=3, failed=3)
    result.stdout.fnmatch_lines([f"*test_it?{place}? PASSED*" for place in
                                 ("memory", "fakeredis", "redis")])  # fmt: skip
    assert "jobkit-test" not in redis_server.ask("KEYS *")


def test_one_who_asks_late_gets_the_only_backend_or_is_refused(run: Run) -> None:
    test = "def test_it(request): request.getfixturevalue('any_jobs').assert_empty()"

    only, several = run(test, "--jobkit-backend=fakeredis"), run(test, EVERYWHERE)

    only.assert_outcomes(passed=1)
    several.assert_outcomes(failed=1)
    several.stdout.fnmatch_lines(["any_jobs: with several backends, name it among *"])


def test_whole_handlers_come_with_an_overriding_fixture(run: Run) -> None:
    """Its timeline is the one that is compared."""
    result = run(
        """
from jobkit import Handlers

@pytest.fixture
def any_jobs(any_jobs):
    handlers = Handlers()
    handlers.register(lambda job: None, job=SendMail)
    return TestingJobs(store=any_jobs.store, clock=any_jobs.clock, handlers=handlers)

@pytest.mark.jobkit(start="2030-01-01T00:00Z")
def test_it(any_jobs):
    on = type(any_jobs.store).__name__
    any_jobs.perform(SendMail(1), metadata={"on": on})
    any_jobs.assert_performed(SendMail, 1)
""",
        EVERYWHERE,
    )

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["! metadata", '*memory *{"on":"MemoryStore"}'])


def test_redis_may_be_named_by_the_environment(
    run: Run, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = "def test_it(any_jobs): assert type(any_jobs.store).__name__ == 'RedisStore'"
    monkeypatch.setenv("JOBKIT_REDIS_URL", redis_server.url)

    run(test, ALSO_ON_REDIS).assert_outcomes(passed=1)


def test_a_redis_that_does_not_answer_is_an_error_and_no_skip(run: Run) -> None:
    """B57: asked once, told at every test that needs it; others run."""
    url = f"redis://:secret@127.0.0.1:{free_port()}"

    result = run(
        "def test_it(any_jobs): ...\ndef test_that(any_jobs): ...\ndef test_other(jobs): ...",
        ALSO_ON_REDIS,
        f"--jobkit-redis-url={url}",
    )

    result.assert_outcomes(errors=2, passed=1)
    result.stdout.fnmatch_lines(["--jobkit-backend=redis: cannot reach Redis at redis://*refused*"])
    result.stdout.no_fnmatch_line("*secret*")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--jobkit-backend=sql", "--jobkit-backend=sql: give memory, fakeredis, redis"),
        ("--jobkit-backend=memory,", "--jobkit-backend=: give memory, fakeredis, redis"),
        (ALSO_ON_REDIS, "*=redis: where is it? Give --jobkit-redis-url or JOBKIT_REDIS_URL"),
    ],
)
def test_a_backend_that_cannot_be_had_is_a_usage_error(run: Run, option: str, message: str) -> None:
    """B57"""
    result = run("def test_it(any_jobs): ...", option)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_a_missing_fakeredis_is_a_usage_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """B57"""

    def found(name: str, *args: Any) -> object:
        return None if name == "lupa" else find_spec(name, *args)

    monkeypatch.setattr("jobkit_testing.plugin.find_spec", found)

    result = run("def test_it(any_jobs): ...", EVERYWHERE)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*lupa is not installed; pip install 'fakeredis?lua?'"])


DIFFERING = """
from jobkit_testing.jobs import TestingJobs

pytestmark = pytest.mark.jobkit(start="2030-01-01T00:00Z")

def is_fake(jobs):
    return type(jobs.store).__name__ == "FakeStore"

@pytest.mark.parametrize("n", [1])
def test_both_pass(any_jobs, n):
    any_jobs.enqueue(SendMail(1), priority=5 if is_fake(any_jobs) else 0)

def test_one_fails(any_jobs):
    any_jobs.enqueue(SendMail(1))
    assert not is_fake(any_jobs)

def test_alike(any_jobs):
    any_jobs.enqueue(SendMail(1))

@pytest.mark.jobkit(start=None)
def test_without_a_start(any_jobs):
    any_jobs.enqueue(SendMail(1))
"""


def test_sides_that_differ_are_reported_at_the_end(run: Run) -> None:
    """B55: also when both pass; and when one fails although all that happened is the same."""
    result = run(DIFFERING, EVERYWHERE)

    result.assert_outcomes(passed=7, failed=1)
    result.stdout.fnmatch_lines_random(
        [
            "*jobkit: backends that differ*",
            "*::test_both_pass?1? differs between memory and fakeredis",
            "memory and fakeredis * differ at event 1",
            "! priority",
            "*::test_one_fails passed on memory and failed on fakeredis",
            "with the same timeline: *",
            "tests not compared, as their sides began at different instants: 1; give them one *",
        ]
    )
    result.stdout.no_fnmatch_line("*test_alike*")


def test_sides_that_agree_say_nothing(run: Run) -> None:
    result = run(STORY.partition("def test_that_fails")[0], EVERYWHERE)

    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*differ*")
