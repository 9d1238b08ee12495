"""The table of moves, and what is read off a record."""

from __future__ import annotations

import pytest

from jobkit.memory.kept import KeptJob
from jobkit.record import ENDED, MOVES, WAITING, JobState, Move, is_legal
from jobkit.store import NewJob


def a_kept_job(state: JobState) -> KeptJob:
    new = NewJob(id="1", queue="mail", type="A", payload=b"{}")
    return KeptJob(new=new, arrival=1, enqueued_at=0, priority=0, run_at=0, state=state)


def test_every_move_is_in_the_table() -> None:
    """B42"""
    assert set(MOVES) == set(Move)


def test_a_job_is_waiting_running_or_ended() -> None:
    """B42: seven states, each in one of three groups."""
    assert set(JobState) == WAITING | {JobState.RUNNING} | ENDED
    assert len(JobState) == 7


def test_a_job_gets_to_run_by_a_claim_alone() -> None:
    """B42, B23"""
    moves = [move for move in Move if is_legal(move, JobState.QUEUED, JobState.RUNNING)]

    assert moves == [Move.CLAIM]
    assert not is_legal(Move.CLAIM, JobState.SCHEDULED, JobState.RUNNING)


@pytest.mark.parametrize("ended", sorted(ENDED))
def test_an_ended_job_only_leaves_its_state_by_hand(ended: JobState) -> None:
    """B42, B45, B46"""
    leaving = {
        move for move in Move for target in (*WAITING, None) if is_legal(move, ended, target)
    }

    assert leaving == {Move.RESCHEDULE, Move.DELETE}


def test_a_write_that_no_move_allows_is_an_error() -> None:
    """B42: it is found by the first test that meets it."""
    job = a_kept_job(JobState.DEAD)

    with pytest.raises(AssertionError, match="no claim from dead to running"):
        job.move(Move.CLAIM, JobState.RUNNING)
