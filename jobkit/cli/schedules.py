"""`jobkit schedules`: list them, and when they tick next."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jobkit.cli.exit_codes import ExitCode
from jobkit.cli.printing import print_json, print_table
from jobkit.description import describe, masked
from jobkit.scheduleinfo import ScheduleInfo
from jobkit.worker import WorkingJobs

MOST_TICKS = 20


def list_schedules(jobs: WorkingJobs, given: argparse.Namespace) -> ExitCode:
    """Print all schedules by name."""
    found = jobs.inspect.schedules()
    if given.json:
        print_json([_as_json(info) for info in found])
        return ExitCode.OK
    titles = ("NAME", "QUEUE", "SPEC", "JOB", "NEXT RUN", "LAST RUN", "OUTCOME", "OWNER")
    print_table(titles, [_row(info) for info in found])
    if not found:
        print("no schedules", file=sys.stderr)
    return ExitCode.OK


def next_runs(jobs: WorkingJobs, given: argparse.Namespace) -> ExitCode:
    """Print the next ticks of all schedules, or of one, in the order in which they come."""
    found = jobs.inspect.schedules()
    if given.name is not None:
        found = [info for info in found if info.name == given.name]
        if not found:
            print(f"jobkit schedules next: no schedule {given.name!r}", file=sys.stderr)
            return ExitCode.REFUSED
    ticks = _ticks(found)[:MOST_TICKS]
    if given.json:
        print_json([{"at": at, "schedule": info.name, "queue": info.queue} for at, info in ticks])
    else:
        rows = [(at, info.name, info.queue, _job(info)) for at, info in ticks]
        print_table(("AT", "SCHEDULE", "QUEUE", "JOB"), rows)
    return ExitCode.OK


def _ticks(found: Sequence[ScheduleInfo[Any]]) -> list[tuple[datetime, ScheduleInfo[Any]]]:
    """List ticks in time order, as far as those of every schedule are known."""
    ticks = [(at, info) for info in found for at in info.next_runs]
    return sorted(ticks, key=lambda tick: (tick[0], tick[1].name))


def _row(info: ScheduleInfo[Any]) -> tuple[object, ...]:
    spec = info.spec if info.timezone == "UTC" else f"{info.spec} {info.timezone}"
    ahead = info.next_runs[0] if info.next_runs else "ended"
    return (
        *(info.name, info.queue, spec, _job(info)),
        *(ahead, info.last_run, info.last_outcome, info.owner),
    )


def _job(info: ScheduleInfo[Any]) -> str:
    return info.type if info.payload is None else describe(info.payload)


def _as_json(info: ScheduleInfo[Any]) -> dict[str, Any]:
    fields = {field.name: getattr(info, field.name) for field in dataclasses.fields(info)}
    del fields["raw"]
    return {**fields, "payload": masked(info.payload)}
