"""A demo on MemoryJobs, with one job to run and one that is not due."""

from __future__ import annotations

from datetime import timedelta

from jobkit import MemoryJobs
from tests.e2e.apps.mailing import Note, handlers

jobs = MemoryJobs(handlers=handlers)
jobs.enqueue(Note("from memory"))
jobs.enqueue(Note("too early"), delay=timedelta(hours=1))
