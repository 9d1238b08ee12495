"""The protocols over a store: `Jobs` for threads, `AsyncJobs` for coroutines."""

from jobkit.client.aio import AsyncJobs
from jobkit.client.jobs import Jobs
from jobkit.client.outbox import JobOutbox

__all__ = ["AsyncJobs", "JobOutbox", "Jobs"]
