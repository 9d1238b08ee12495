"""Log records that tell which job they belong to."""

from __future__ import annotations

import logging

from jobkit.context import current_job


class JobLogFilter(logging.Filter):
    """Puts `job_id`, `job_type` and `attempt` on log records: "-", "-" and 0 outside of a job.

    Add it to a log handler; then every record that a job's code logs, through whatever logger,
    tells its job:

    >>> handler = logging.StreamHandler()
    >>> handler.addFilter(JobLogFilter())
    >>> handler.setFormatter(logging.Formatter("%(job_type)s %(job_id)s %(message)s"))
    """

    def filter(self, record: logging.LogRecord) -> bool:
        # Another thread may handle the record later (a QueueListener): what is on it stays.
        if not hasattr(record, "job_id"):
            job = current_job()
            record.job_id = "-" if job is None else job.id
            record.job_type = "-" if job is None else job.type
            record.attempt = 0 if job is None else job.attempt
        return True
