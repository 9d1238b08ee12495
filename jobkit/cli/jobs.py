"""`jobkit jobs`: list, show, cancel, retry and delete."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from typing import Any

from jobkit.cli.exit_codes import ExitCode
from jobkit.cli.leaves import JOBS_LISTED
from jobkit.cli.printing import (
    is_unread,
    payload_of,
    print_json,
    print_table,
    record_json,
    shown,
)
from jobkit.errors import Duplicate, InvalidOption, JobNotFound, JobRunning, WrongState
from jobkit.record import ENDED, Attempt, JobRecord
from jobkit.worker import WorkingJobs

TO_READ = "give --app, or --import with the module of the type, to read"
FIELDS = (
    "id",
    "type",
    "queue",
    "state",
    "priority",
    "run_at",
    "enqueued_at",
    "started_at",
    "finished_at",
    "duration",
    "attempt",
    "losses",
    "worker",
    "version",
    "unique_key",
    "schedule",
)


def list_jobs(jobs: WorkingJobs, given: argparse.Namespace) -> ExitCode:
    """Print a page of jobs, and how to get the next one."""
    page = jobs.inspect.jobs(
        state=given.state,
        queue=given.queue,
        type=given.type,
        limit=given.limit or JOBS_LISTED,
        cursor=given.cursor,
    )
    if given.json:
        items = [record_json(record) for record in page.items]
        print_json({"items": items, "total": page.total, "cursor": page.cursor})
        return ExitCode.OK
    print_table(
        ("ID", "STATE", "QUEUE", "ATTEMPT", "WHEN", "JOB"),
        [
            (r.id, r.state, r.queue, r.attempt, _when(r), f"{r.type} {payload_of(r)}")
            for r in page.items
        ],
    )
    more = f"; go on with --cursor {page.cursor}" if page.cursor else ""
    print(f"{len(page.items)} of {page.total}{more}", file=sys.stderr)
    if any(is_unread(record) for record in page.items):
        print(f"{TO_READ} payloads", file=sys.stderr)
    return ExitCode.OK


def show_job(jobs: WorkingJobs, given: argparse.Namespace) -> ExitCode:
    """Print everything about one job."""
    record = jobs.inspect.get(given.id)
    if given.json:
        print_json(record_json(record))
        return ExitCode.OK
    for name in FIELDS:
        print(f"{name:13} {shown(getattr(record, name))}")
    if is_unread(record):
        print(f"{'retries_left':13} {shown(record.retries_left)}, unless its type says otherwise")
        print(f"{'payload':13} {payload_of(record)}; {TO_READ} it")
    else:
        print(f"{'retries_left':13} {shown(record.retries_left)}")
        print(f"{'payload':13} {payload_of(record)}")
    for key, value in record.metadata.items():
        print(f"{'metadata':13} {key}={value}")
    if record.progress is not None:
        done = f" ({shown(record.progress.done)} of {shown(record.progress.total)})"
        print(f"{'progress':13} {record.progress.text}{done}")
    if record.result is not None:
        print(f"{'result':13} {record.result!r}")
    for attempt in record.attempts:
        _show_attempt(attempt)
    return ExitCode.OK


def cancel_jobs(jobs: WorkingJobs, given: argparse.Namespace) -> ExitCode:
    """Cancel jobs; 1 if one had ended or was gone."""

    def cancel(job_id: str) -> str:
        return "cancelled" if jobs.inspect.cancel(job_id) else ""

    return _each(given.id, cancel, "had ended, or is gone")


def retry_jobs(jobs: WorkingJobs, given: argparse.Namespace) -> ExitCode:
    """Run ended jobs again; 1 if one could not be."""

    def retry(job_id: str) -> str:
        jobs.inspect.retry(job_id)
        return "retried"

    if _all_dead(given):
        print(f"{jobs.inspect.retry_all_dead(queue=given.queue, type=given.type)} retried")
        return ExitCode.OK
    return _each(given.id, retry, "")


def delete_jobs(jobs: WorkingJobs, given: argparse.Namespace) -> ExitCode:
    """Delete jobs; 1 if one was gone."""

    def delete(job_id: str) -> str:
        return "deleted" if jobs.inspect.delete(job_id) else ""

    if _all_dead(given):
        print(f"{jobs.inspect.delete_all_dead(queue=given.queue, type=given.type)} deleted")
        return ExitCode.OK
    return _each(given.id, delete, "was gone")


def _all_dead(given: argparse.Namespace) -> bool:
    """Tell whether all dead jobs are meant; raises `InvalidOption` if it is not clear."""
    if given.all_dead and given.id:
        raise InvalidOption("ids and --all-dead exclude each other; give one of them")
    if not given.all_dead and (given.queue or given.type):
        raise InvalidOption("--queue and --type go with --all-dead: add it, or leave them out")
    if not given.all_dead and not given.id:
        raise InvalidOption("give the ids of jobs, or --all-dead")
    return bool(given.all_dead)


def _each(ids: Iterable[str], act: Callable[[str], str], otherwise: str) -> ExitCode:
    """Act on each job and say how that went; 1 if one was refused."""
    code = ExitCode.OK
    for job_id in ids:
        try:
            done = act(job_id)
            why = f"{job_id} {otherwise}"
        except (Duplicate, JobNotFound, JobRunning, WrongState) as error:
            done, why = "", str(error)
            if job_id not in why:
                why = f"{job_id}: {why}"
        if done:
            print(f"{job_id} {done}")
        else:
            print(why, file=sys.stderr)
            code = ExitCode.REFUSED
    return code


def _when(record: JobRecord[Any]) -> str:
    if record.state in ENDED:
        return f"ended {shown(record.finished_at)}"
    if record.started_at is not None and record.state == "running":
        return f"since {shown(record.started_at)}"
    return f"due {shown(record.run_at)}"


def _show_attempt(attempt: Attempt) -> None:
    where = " ".join(filter(None, (attempt.worker, attempt.version)))
    print(
        f"\nattempt {attempt.number}: {attempt.outcome}, {shown(attempt.started_at)} to "
        f"{shown(attempt.finished_at)} {where}".rstrip()
    )
    if attempt.error_type or attempt.message:
        print(f"  {': '.join(filter(None, (attempt.error_type, attempt.message)))}")
    for line in (attempt.traceback or "").splitlines():
        print(f"  {line}")
