"""The pytest plugin, in pytest runs of its own."""

from __future__ import annotations

import pytest

from tests.inner_runs import Run

pytest_plugins = ["pytester"]


def test_the_fixtures_give_fresh_jobs_with_seed_0(run: Run) -> None:
    result = run(
        """
def test_one(jobs, jobkit_clock):
    assert jobs.clock is jobkit_clock
    assert jobs.seed == 0
    jobs.enqueue(SendMail(1))

def test_two(jobs, any_jobs):
    jobs.assert_empty()
    any_jobs.enqueue(SendMail(1))
    jobs.assert_empty()
"""
    )

    result.assert_outcomes(passed=2)


def test_an_import_of_the_class_brings_no_warning_about_its_name(run: Run) -> None:
    """HEAD imports TestingJobs, and -W error is set."""
    run("def test_nothing(): ...").assert_outcomes(passed=1)


def test_the_marker_sets_start_and_seed(run: Run) -> None:
    result = run(
        """
@pytest.mark.jobkit(start="2030-03-31T00:59Z", seed=7)
def test_text(jobs):
    assert jobs.clock.now() == datetime(2030, 3, 31, 0, 59, tzinfo=UTC)
    assert jobs.seed == 7

@pytest.mark.jobkit(start=datetime(2031, 1, 1, tzinfo=UTC))
class TestClass:
    @pytest.mark.jobkit(seed=8)
    def test_instant(self, any_jobs):
        assert any_jobs.clock.now() == datetime(2031, 1, 1, tzinfo=UTC)
        assert any_jobs.seed == 8
""",
        "--strict-markers",
    )

    result.assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("start='yesterday'", "*start='yesterday': Invalid isoformat*"),
        ("start='2030-01-01'", "marker jobkit: start='2030-01-01': give an aware datetime*"),
        ("sead=7", "marker jobkit: does not take sead; it is *"),
        ("7", "marker jobkit: does not take 7; it is *"),
        ("leftover='maybe'", "*leftover='maybe': give allow, warn, error*"),
        ("seed='x'", "marker jobkit: seed='x': give an int"),
        ("start=5", "marker jobkit: start=5: give an aware datetime*"),
    ],
)
def test_a_wrong_marker_is_refused(run: Run, marker: str, message: str) -> None:
    """B57: in one line, without the source of the plugin."""
    result = run(f"@pytest.mark.jobkit({marker})\ndef test_it(jobs): ...")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*plugin.py*")


def test_a_failed_test_shows_the_timeline_with_seed_and_start(run: Run) -> None:
    result = run(
        """
@pytest.mark.jobkit(start="2030-01-01T00:00Z", seed=7)
def test_it(jobs):
    jobs.enqueue(SendMail(1))
    assert False
"""
    )

    result.stdout.fnmatch_lines(
        [
            "*jobkit timeline of 'jobs'*",
            "from 2030-01-01T00:00:00Z, seed 7",
            "*+0s  #1 enqueued SendMail(user_id=1) on 'default'",
        ]
    )


def test_jobs_of_an_overridden_fixture_are_shown_too(run: Run) -> None:
    result = run(
        """
@pytest.fixture
def jobs(jobkit_clock):
    return TestingJobs(clock=jobkit_clock)

def test_it(jobs):
    jobs.enqueue(SendMail(1))
    assert False
"""
    )

    result.stdout.fnmatch_lines(["*jobkit timeline of 'jobs'*"])


def test_a_test_that_passes_or_did_nothing_shows_none(run: Run) -> None:
    result = run(
        """
def test_good(jobs):
    jobs.enqueue(SendMail(1))

def test_bad(jobs):
    assert False
""",
        "-rA",
    )

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*timeline*")


def test_failures_point_at_the_line_of_the_test(run: Run) -> None:
    result = run(
        """
def test_assertion(jobs):
    jobs.assert_queued(SendMail, 1)

def test_handler(jobs):
    @jobs.register
    def send(job: SendMail):
        raise ValueError("in the handler")
    jobs.perform(SendMail(1))
"""
    )

    result.stdout.fnmatch_lines(["> * jobs.assert_queued(SendMail, 1)"])
    result.stdout.fnmatch_lines(['> * raise ValueError("in the handler")'])
    result.stdout.no_fnmatch_line("*assertions.py*")
    result.stdout.no_fnmatch_line("*acting.py*")


LEAVES = "def test_it(jobs):\n    jobs.enqueue(SendMail(1))\n"


def test_leftovers_are_allowed_by_default(run: Run) -> None:
    run(LEAVES).assert_outcomes(passed=1)


def test_leftovers_may_be_an_error(run: Run) -> None:
    result = run(LEAVES, ini="jobkit_leftover = error")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "fixture 'jobs' at the end of the test:",
            "1 job waits, expected none",
            "*#1 SendMail(user_id=1)  queue='default', due",
            '*end the test with jobs.reset(), or mark it @pytest.mark.jobkit(leftover="allow")',
        ]
    )


def test_leftovers_may_be_a_warning(run: Run) -> None:
    result = run(LEAVES, "-W", "default", ini="jobkit_leftover = warn")

    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*LeftoverWarning: fixture 'jobs' at the end of the test:*"])


def test_a_marker_decides_on_leftovers(run: Run) -> None:
    result = run(f"@pytest.mark.jobkit(leftover='allow')\n{LEAVES}", ini="jobkit_leftover = error")

    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("assert False", {"failed": 1}),
        ("pytest.skip()", {"skipped": 1}),
        ("pytest.xfail()", {"xfailed": 1}),
    ],
)
def test_leftovers_mask_no_other_outcome(run: Run, body: str, outcome: dict[str, int]) -> None:
    result = run(f"{LEAVES}    {body}", ini="jobkit_leftover = error")

    result.assert_outcomes(**outcome)


def test_nothing_left_is_no_error(run: Run) -> None:
    result = run(
        """
def test_it(jobs):
    jobs.register(lambda job: None, job=SendMail)
    jobs.perform(SendMail(1))
""",
        ini="jobkit_leftover = error",
    )

    result.assert_outcomes(passed=1)


def test_a_wrong_ini_value_is_a_usage_error(run: Run) -> None:
    """B57"""
    result = run(LEAVES, ini="jobkit_leftover = maybe")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: jobkit_leftover='maybe': give allow, warn, error"])


def test_pytest_finds_the_plugin_by_itself_and_jobkit_is_loaded_when_it_is_used(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
import sys

def test_without(request):
    assert not {"jobkit.engine", "jobkit_testing.jobs"} & set(sys.modules)
    jobs = request.getfixturevalue("jobs")
    jobs.assert_empty()
"""
    )

    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "call",
    [
        "jobs.assert_idempotent(SendMail(1), observe=lambda: list(mails))",
        "jobs.assert_idempotent(SendMail(1), observe=lambda: None)",
        "jobs.perform(SendMail(2))",
        "jobs.drain(limit=1)",
        "jobs.run_until(lambda: False)",
        "jobs.explore(lambda jobs: jobs.assert_not_empty())",
    ],
)
def test_a_failure_shows_no_code_of_the_double(run: Run, call: str) -> None:
    result = run(
        f"""
def test_it(jobs):
    mails = []

    @jobs.register
    def send(job: SendMail):
        mails.append(job.user_id)
        assert job.user_id < 2

    jobs.enqueue_many([SendMail(0), SendMail(1)])
    {call}
"""
    )

    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*/jobkit_testing/*.py:*")
