"""The worker: claims jobs, runs their handlers, settles how they ended."""

from jobkit.worker.jobs import AsyncWorkingJobs, WorkingJobs
from jobkit.worker.worker import Worker

__all__ = ["AsyncWorkingJobs", "Worker", "WorkingJobs"]
