"""`jobkit queues`: list, pause and resume."""

from __future__ import annotations

import argparse
import sys
from datetime import timedelta

from jobkit.cli.exit_codes import ExitCode
from jobkit.cli.printing import print_json, print_table
from jobkit.errors import InvalidOption
from jobkit.queueinfo import QueueInfo
from jobkit.record import JobState
from jobkit.worker import WorkingJobs

TITLES = (
    "QUEUE",
    *(state.upper() for state in JobState),
    "DUE FOR",
    "WORKERS",
    "PER S",
    "EMPTY IN",
    "PAUSED",
)


def list_queues(jobs: WorkingJobs, given: argparse.Namespace) -> ExitCode:
    """Print what each queue holds and how it gets on."""
    found = jobs.inspect.queues()
    if given.json:
        print_json(found)
        return ExitCode.OK
    print_table(TITLES, [_row(queue) for queue in found])
    if not found:
        print("no queues: nothing was ever enqueued here", file=sys.stderr)
    return ExitCode.OK


def pause(jobs: WorkingJobs, given: argparse.Namespace) -> ExitCode:
    """Stop the claims of what was named."""
    _check_named(given)
    jobs.inspect.pause(queue=given.queue, type=given.type)
    if given.queue is not None:
        _warn_of_empty(jobs, given.queue)
    print(f"{_named(given)}: paused; what runs finishes")
    return ExitCode.OK


def resume(jobs: WorkingJobs, given: argparse.Namespace) -> ExitCode:
    """End a pause of what was named."""
    _check_named(given)
    was_paused = jobs.inspect.is_paused(queue=given.queue, type=given.type)
    jobs.inspect.resume(queue=given.queue, type=given.type)
    print(f"{_named(given)}: {'resumed' if was_paused else 'was not paused'}")
    return ExitCode.OK


def _warn_of_empty(jobs: WorkingJobs, queue: str) -> None:
    """Tell of a name that may be mistyped."""
    if not jobs.inspect.jobs(queue=queue, limit=1).total:
        print(f"queue {queue} has no jobs; is that its name?", file=sys.stderr)


def _row(queue: QueueInfo) -> tuple[object, ...]:
    return (
        queue.name,
        *(queue.counts[state] for state in JobState),
        _rounded(queue.oldest_due),
        queue.workers,
        f"{queue.throughput:.1f}",
        None if queue.paused else _rounded(queue.time_to_empty),
        "all" if queue.paused else queue.paused_types,
    )


def _rounded(duration: timedelta | None) -> timedelta | None:
    return None if duration is None else timedelta(seconds=round(duration.total_seconds(), 1))


def _check_named(given: argparse.Namespace) -> None:
    if given.queue is None and given.type is None:
        raise InvalidOption("give a QUEUE, --type TYPE, or both")


def _named(given: argparse.Namespace) -> str:
    if given.type is None:
        return f"queue {given.queue}"
    return f"{given.type} in queue {given.queue}" if given.queue else f"{given.type} everywhere"
