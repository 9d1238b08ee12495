"""`jobkit queues`: list, pause and resume."""

from __future__ import annotations

import argparse

from jobkit.cli.exit_codes import ExitCode
from jobkit.worker import WorkingJobs


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
