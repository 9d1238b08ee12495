"""The table at the head of `jobkit.redis.faults`, line by line."""

from __future__ import annotations

import pytest
import redis.exceptions as rx

from jobkit.redis.faults import RefusedLogin, refused, unreachable

WHERE = "redis://host"
OLD = "Error running script (call to f_4e1): @user_script:9: @user_script: 9: "  # Redis 6.2


@pytest.mark.parametrize(
    "error",
    [
        rx.BusyLoadingError("Redis is loading the dataset in memory"),
        rx.ResponseError("BUSY Redis is busy running a script"),
        rx.ReadOnlyError("You can't write against a read only replica."),
        rx.ResponseError(f"{OLD}-READONLY You can't write against a read only replica."),
        rx.ResponseError("UNBLOCKED force unblock from blocking operation"),
        rx.MasterDownError("Link with MASTER is down"),
        rx.ClusterDownError("The cluster is down"),
        rx.TryAgainError("Multiple keys request during rehashing of slot"),
        rx.ResponseError("MISCONF Redis is configured to save RDB snapshots"),
        rx.ResponseError("NOREPLICAS Not enough good replicas to write."),
        rx.ResponseError("max number of clients reached"),
    ],
    ids=lambda error: str(error)[:20],
)
def test_what_passes_by_itself_is_worth_a_retry(error: Exception) -> None:
    refusal = refused(error, WHERE)

    assert refusal.passing
    assert refusal.stored == "no"
    assert WHERE in str(refusal)


@pytest.mark.parametrize(
    "error",
    [
        rx.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
        rx.ResponseError(f"{OLD}-OOM command not allowed when used memory > 'maxmemory'."),
    ],
    ids=["now", "in 6.2"],
)
def test_a_full_redis_is_told_as_such(error: Exception) -> None:
    refusal = refused(error, WHERE)

    assert not refusal.passing
    assert refusal.stored == "no"
    assert "is full" in str(refusal)


@pytest.mark.parametrize(
    "error",
    [
        rx.AuthenticationError("invalid username-password pair or user is disabled."),
        rx.AuthenticationError("Authentication required."),
        rx.ResponseError("WRONGPASS invalid username-password pair"),
        rx.NoPermissionError("this user has no permissions to run the 'evalsha' command"),
        rx.ResponseError(f"{OLD}-NOPERM this user has no permissions"),
    ],
    ids=lambda error: str(error)[:20],
)
def test_a_refused_login_is_told_as_such(error: Exception) -> None:
    for refusal in (refused(error, WHERE), unreachable(error, WHERE, sent=False)):
        assert isinstance(refusal, RefusedLogin)
        assert not refusal.passing
        assert refusal.stored == "no"


@pytest.mark.parametrize(
    "error",
    [
        rx.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"),
        rx.ResponseError("user_script:5: attempt to index a nil value"),
        rx.ResponseError("unknown command 'EVALSHA'"),
    ],
    ids=lambda error: str(error)[:20],
)
def test_any_other_answer_will_not_get_better(error: Exception) -> None:
    refusal = refused(error, WHERE)

    assert not refusal.passing
    assert refusal.stored == "no"
    assert str(error) in str(refusal)


@pytest.mark.parametrize("error", [rx.ConnectionError("refused"), TimeoutError(), OSError("gone")])
def test_only_what_was_sent_may_have_been_stored(error: Exception) -> None:
    before, after = (unreachable(error, WHERE, sent=sent) for sent in (False, True))

    assert (before.stored, after.stored) == ("no", "unknown")
    assert before.passing
    assert after.passing
    assert "Is it running" in str(before)


@pytest.mark.parametrize(
    "error",
    [
        rx.BusyLoadingError("Redis is loading the dataset in memory"),
        rx.ConnectionError("max number of clients reached"),
    ],
)
def test_an_answer_leaves_no_doubt_though_redis_py_calls_it_a_connection_error(
    error: Exception,
) -> None:
    assert unreachable(error, WHERE, sent=True).stored == "no"


def test_a_message_stands_on_one_line() -> None:
    refusal = refused(rx.ResponseError("one\r\n  two\nthree."), WHERE)

    assert str(refusal) == "redis://host refused: one two three"
