"""`jobkit enqueue`: one job, from its type and its fields as JSON."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from typing import Any

import msgspec

from jobkit.cli.exit_codes import ExitCode
from jobkit.cli.loading import load_class
from jobkit.cli.option import NONE
from jobkit.errors import InvalidJob
from jobkit.jobtype import JobType, job_type
from jobkit.options import ENQUEUE_CHECKS
from jobkit.worker import WorkingJobs

STDIN = "-"


def enqueue(jobs: WorkingJobs, given: argparse.Namespace) -> ExitCode:
    """Store the job and print its id."""
    kind: JobType[Any] = job_type(load_class(given.type))
    text = sys.stdin.read() if given.payload == STDIN else given.payload
    handle = jobs.enqueue(_job(kind, text.encode("utf-8", "surrogateescape")), **_options(given))
    if given.json:
        told = {"id": handle.id, "type": handle.type, "queue": handle.queue}
        print(json.dumps({**told, "created": handle.created}))
    else:
        print(handle.id if handle.created else f"{handle.id} (it was there already)")
    return ExitCode.OK


def _job(kind: JobType[Any], payload: bytes) -> Any:
    """Decode a job; a field that its type lacks is a slip here, though not in what is stored."""
    fields = [field.name for field in dataclasses.fields(kind.cls)]
    for name in _names_in(payload):
        if name not in fields:
            has = f"it has {', '.join(fields)}" if fields else "it has none"
            raise InvalidJob(f"{kind.name} has no field {name!r}; {has}")
    return kind.decode(payload)


def _names_in(payload: bytes) -> list[str]:
    try:
        return list(msgspec.json.decode(payload, type=dict[str, Any]))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []  # to decode it as a job says what is wrong with it


def _options(given: argparse.Namespace) -> Any:
    """Return what was given of the options that an enqueue has; each of them is a flag."""
    values = {name: getattr(given, name) for name in ENQUEUE_CHECKS}
    options: dict[str, Any] = {
        name: None if value == NONE else value
        for name, value in values.items()
        if value is not None
    }
    if pairs := options.get("metadata"):
        options["metadata"] = dict(pairs)
    return options
