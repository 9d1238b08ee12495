"""`jobkit queues`: list, pause and resume."""

from __future__ import annotations

import argparse

from jobkit.cli.exit_codes import ExitCode
from jobkit.cli.printing import print_json, print_table
from jobkit.record import JobState
from jobkit.worker import WorkingJobs

TITLES = (
    "QUEUE",
    *(state.upper() for state in JobState),
    "DUE FOR",
    "WORKERS",
    "PER S",
    "EMPTY IN",
)


def list_queues(jobs: WorkingJobs, given: argparse.Namespace) -> ExitCode:
    """Print what each queue holds and how it gets on."""
    found = jobs.inspect.queues()
    if given.json:
        print_json(found)
        return ExitCode.OK
    print_table(
        (
            "QUEUE",
            *(state.upper() for state in JobState),
            "DUE FOR",
            "WORKERS",
            "PER S",
            "EMPTY IN",
        ),
        [
            (
                f"{queue.name} (paused)" if queue.paused else queue.name,
                *(queue.counts[state] for state in JobState),
                queue.oldest_due,
                queue.workers,
                f"{queue.throughput:.1f}",
                queue.time_to_empty,
            )
            for queue in found
        ],
    )
    return ExitCode.OK


def pause(jobs: WorkingJobs, given: argparse.Namespace) -> ExitCode:
    """Stop the claims of what was named."""
    jobs.inspect.pause(queue=given.queue, type=given.type)
    print(f"{_named(given)}: paused; what runs finishes")
    return ExitCode.OK


def resume(jobs: WorkingJobs, given: argparse.Namespace) -> ExitCode:
    """End a pause of what was named."""
    jobs.inspect.resume(queue=given.queue, type=given.type)
    print(f"{_named(given)}: resumed")
    return ExitCode.OK


def _named(given: argparse.Namespace) -> str:
    if given.type is None:
        return f"queue {given.queue}"
    return f"{given.type} in queue {given.queue}" if given.queue else f"{given.type} everywhere"
