"""What a failed assertion says."""

from __future__ import annotations

from unittest.mock import ANY

import jobkit
from tests.unit.testing.samples import (
    HOUR,
    START,
    Address,
    Audit,
    Flaky,
    Login,
    Order,
    SendMail,
    done,
    fail_at_first,
    jobs_of,
    message_of,
)


def test_nothing_is_queued() -> None:
    jobs = jobs_of(seed=7)

    said = message_of(lambda: jobs.assert_queued(SendMail(1), queue="mail"))

    assert said == (
        "no waiting job matches SendMail(user_id=1, locale='en') with queue='mail'\n"
        "  no waiting job at all\n"
        "  clock 2030-01-01T00:00:00Z (+0s, virtual), seed 7"
    )


def test_other_types_are_queued() -> None:
    jobs = jobs_of()
    jobs.enqueue(Audit("a"))
    jobs.enqueue(Audit("b"), delay=HOUR, queue="slow")

    said = message_of(lambda: jobs.assert_queued(SendMail))

    assert said == (
        "no waiting job matches SendMail\n"
        "  no SendMail among them\n"
        "  other waiting jobs:\n"
        "    #1 Audit(what='a')  queue='default', due\n"
        "    #2 Audit(what='b')  queue='slow', due in 1:00:00\n"
        "  clock 2030-01-01T00:00:00Z (+0s, virtual), seed 0"
    )


def test_a_near_miss_is_compared_field_by_field() -> None:
    jobs = jobs_of(done)
    jobs.perform(SendMail(7, locale="de"))
    jobs.clock.advance(HOUR)
    jobs.enqueue(Audit())
    jobs.enqueue(SendMail(6, locale="fr"))
    jobs.enqueue(SendMail(7, locale="fr"), queue="mail")

    said = message_of(lambda: jobs.assert_queued(SendMail(7, locale="de"), 1, queue="mail"))

    assert said == (
        "no waiting job matches SendMail(user_id=7, locale='de') with queue='mail'\n"
        "  closest, 1 field differs: #4 SendMail(user_id=7, locale='fr')  queue='mail', due\n"
        "    locale: 'fr', expected 'de'\n"
        "  other waiting jobs:\n"
        "    #2 Audit(what='x')  queue='default', due\n"
        "    #3 SendMail(user_id=6, locale='fr')  queue='default', due\n"
        "  already ran:\n"
        "    #1 SendMail(user_id=7, locale='de')  succeeded at +0s\n"
        "  clock 2030-01-01T01:00:00Z (+3600s, virtual), seed 0"
    )


def test_an_equal_job_that_has_run_brings_a_hint() -> None:
    jobs = jobs_of(done)
    jobs.perform(SendMail(7))

    said = message_of(lambda: jobs.assert_queued(SendMail(7)))

    assert (
        "    #1 SendMail(user_id=7, locale='en')  succeeded at +0s"
        "  <- did you mean assert_performed?\n"
    ) in said


def test_an_equal_job_that_still_waits_brings_a_hint() -> None:
    jobs = jobs_of(done)
    jobs.enqueue(SendMail(7), delay=HOUR)

    said = message_of(lambda: jobs.assert_performed(SendMail(7)))

    assert said.startswith("no performed job matches SendMail(user_id=7, locale='en')\n")
    assert "due in 1:00:00  <- it has not run: did you forget drain() or run_for(...)?" in said


def test_a_job_that_failed_shows_its_error_and_brings_a_hint() -> None:
    jobs = jobs_of(fail_at_first)
    jobs.enqueue(Flaky(9))
    jobs.drain(raises=False)

    said = message_of(lambda: jobs.assert_performed(Flaky))

    assert (
        "#1 Flaky(failures=9)  retrying, due at +10s: ConnectionError: no route, attempt 1"
        "  <- did you mean assert_failed?"
    ) in said


def test_dead_and_cancelled_jobs_bring_their_hints() -> None:
    jobs = jobs_of(fail_at_first)
    jobs.enqueue(Flaky(9))
    jobs.enqueue(SendMail(1)).cancel()
    jobs.run_for(HOUR)

    dead = message_of(lambda: jobs.assert_performed(Flaky))
    cancelled = message_of(lambda: jobs.assert_queued(SendMail))

    assert (
        "dead at +20s: ConnectionError: no route, attempt 3  <- did you mean assert_dead?" in dead
    )
    assert "cancelled at +0s  <- did you mean assert_cancelled?" in cancelled


def test_too_many_shows_them() -> None:
    jobs = jobs_of()
    jobs.enqueue_many([SendMail(1), Audit(), SendMail(2)])

    said = message_of(lambda: jobs.assert_not_queued(SendMail))

    assert said == (
        "2 waiting jobs match SendMail, expected none\n"
        "  matching:\n"
        "    #1 SendMail(user_id=1, locale='en')  queue='default', due\n"
        "    #3 SendMail(user_id=2, locale='en')  queue='default', due\n"
        "  other waiting jobs:\n"
        "    #2 Audit(what='x')  queue='default', due\n"
        "  clock 2030-01-01T00:00:00Z (+0s, virtual), seed 0"
    )


def test_too_few_shows_them_and_the_closest() -> None:
    jobs = jobs_of()
    jobs.enqueue_many([SendMail(1), SendMail(2)])

    said = message_of(lambda: jobs.assert_queued(SendMail(1), 2))

    assert said.startswith("1 waiting job matches SendMail(user_id=1, locale='en'), expected 2\n")
    assert "closest, 1 field differs: #2 SendMail(user_id=2, locale='en')" in said


def test_long_lists_are_cut() -> None:
    jobs = jobs_of()
    jobs.enqueue_many([Audit(str(n)) for n in range(1_030)])

    said = message_of(jobs.assert_empty)

    assert said.startswith("1,030 jobs wait, expected none\n")
    assert "    #20 Audit(what='19')" in said
    assert "#21 " not in said
    assert "    and 1,010 more\n" in said


def test_paths_lead_into_nested_values() -> None:
    jobs = jobs_of()
    jobs.enqueue(Order(1, Address("Bern"), tags=["a", "b"], headers={"x": "1"}))

    said = message_of(
        lambda: jobs.assert_queued(
            Order(ANY, Address("Basel"), tags=["a", "c"], headers={"x": "2", "y": "3"})
        )
    )

    assert "closest, 4 fields differ" in said
    assert "    address.city: 'Bern', expected 'Basel'\n" in said
    assert "    tags[1]: 'b', expected 'c'\n" in said
    assert "    headers['x']: '1', expected '2'\n" in said
    assert "    headers['y']: missing, expected '3'\n" in said


def test_times_and_conditions_are_compared_in_words() -> None:
    jobs = jobs_of()
    jobs.enqueue(SendMail(1), delay=HOUR, priority=3, metadata={"user": "7"})

    said = message_of(
        lambda: jobs.assert_queued(
            SendMail,
            payload={"user_id": 2},
            where=_is_german,
            run_at=START,
            priority=4,
            metadata={"user": "8"},
            state="queued",
        )
    )

    assert (
        "matches SendMail with payload={'user_id': 2}, run_at=2030-01-01T00:00:00+00:00, "
        "priority=4, metadata={'user': '8'}, state='queued', where=_is_german\n"
    ) in said
    assert "    where: False, expected True\n" in said
    assert "    run_at: 2030-01-01T01:00:00+00:00, expected 2030-01-01T00:00:00+00:00\n" in said
    assert "    priority: 3, expected 4\n" in said
    assert "    metadata['user']: '7', expected '8'\n" in said
    assert "    state: scheduled, expected queued\n" in said


def test_a_delay_shows_its_tolerance() -> None:
    jobs = jobs_of()
    jobs.enqueue(SendMail(1))

    said = message_of(lambda: jobs.assert_queued(SendMail, delay=2 * HOUR, tolerance=HOUR))

    assert "    delay: 0:00:00, expected 2:00:00 ± 1:00:00\n" in said


def test_secrets_are_never_shown() -> None:
    jobs = jobs_of()
    jobs.enqueue(Login("ann", "hunter2"))

    said = message_of(lambda: jobs.assert_queued(Login("ann", "swordfish")))
    said += message_of(lambda: jobs.assert_queued(Login, payload={"password": "swordfish"}))
    said += str(jobs.timeline)

    assert "hunter2" not in said
    assert "swordfish" not in said
    assert "    password: ***, expected another ***\n" in said
    assert "Login with payload={'password': ***}\n" in said


def test_a_closed_list_shows_what_is_missing_and_what_was_not_expected() -> None:
    jobs = jobs_of()
    jobs.enqueue_many([SendMail(1), Audit()])

    said = message_of(lambda: jobs.assert_queued_exactly(SendMail(1), SendMail(2)))

    assert said == (
        "the waiting jobs are not exactly those expected\n"
        "  missing:\n"
        "    SendMail(user_id=2, locale='en')\n"
        "  not expected:\n"
        "    #2 Audit(what='x')  queue='default', due\n"
        "  waiting:\n"
        "    #1 SendMail(user_id=1, locale='en')  queue='default', due\n"
        "    #2 Audit(what='x')  queue='default', due\n"
        "  clock 2030-01-01T00:00:00Z (+0s, virtual), seed 0"
    )


def test_get_first_of_lists_what_waits() -> None:
    jobs = jobs_of()
    jobs.enqueue(Audit())

    said = message_of(lambda: jobs.get_first_of(SendMail))

    assert said.startswith("no waiting job matches SendMail\n")
    assert "    #1 Audit(what='x')  queue='default', due\n" in said


def test_the_timeline_tells_the_story() -> None:
    jobs = jobs_of(fail_at_first, _sign_up)
    jobs.enqueue(Flaky())
    jobs.perform(SendMail(1))
    jobs.enqueue(Audit(), queue="slow").cancel()
    jobs.enqueue(Audit(), queue="slow").delete()
    jobs.run_for(HOUR)

    assert jobs.timeline.story().splitlines() == [
        "from 2030-01-01T00:00:00Z, seed 0",
        "      +0s  #1 enqueued Flaky(failures=1) on 'default'",
        "      +0s  #2 enqueued SendMail(user_id=1, locale='en') on 'default'",
        "      +0s  #2 started SendMail(user_id=1, locale='en'), attempt 1",
        "      +0s  #2 succeeded",
        "      +0s  #3 enqueued Audit(what='signed up') on 'default'",
        "      +0s  #4 enqueued Audit(what='x') on 'slow'",
        "      +0s  #4 cancelled",
        "      +0s  #5 enqueued Audit(what='x') on 'slow'",
        "      +0s  #5 deleted",
        "      +0s  #1 started Flaky(failures=1), attempt 1",
        "      +0s  #1 retried, due at +10s: ConnectionError: no route, attempt 1",
        "     +10s  #1 started Flaky(failures=1), attempt 2",
        "     +10s  #1 succeeded",
    ]


def test_a_month_is_told_in_days_and_a_cut_error_says_so() -> None:
    jobs = jobs_of()

    @jobs.register
    def fail(job: Audit) -> None:
        raise ValueError("word " * 30)

    jobs.enqueue(Audit(), max_retries=0)
    jobs.enqueue(Audit(), max_retries=0, delay=31 * 24 * HOUR)
    jobs.run_for(40 * 24 * HOUR)

    lines = jobs.timeline.story().splitlines()
    assert lines[1] == "          +0s  #1 enqueued Audit(what='x') on 'default'"
    assert lines[-1] == f"+31d 00:00:00  #2 dead: ValueError: {'word ' * 23}word…"


def test_a_long_timeline_shows_its_end() -> None:
    jobs = jobs_of()
    jobs.enqueue_many([Audit()] * 205)

    lines = str(jobs.timeline).splitlines()

    assert lines[0] == "... 5 earlier events"
    assert "#205 enqueued" in lines[-1]
    assert len(lines) == 201


def _is_german(mail: SendMail) -> bool:
    return mail.locale == "de"


def _sign_up(job: SendMail, ctx: jobkit.JobContext) -> None:
    ctx.enqueue(Audit("signed up"))
