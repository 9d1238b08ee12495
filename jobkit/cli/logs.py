"""Where the log of a command goes, if the application does not say."""

from __future__ import annotations

import logging

from jobkit.logs import JobLogFilter

LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class LineFormatter(logging.Formatter):
    """One line a record; a record from inside of a job tells which."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        line = super().formatMessage(record)
        job_id = getattr(record, "job_id", "-")
        if job_id == "-":
            return line
        job_type, attempt = getattr(record, "job_type", "-"), getattr(record, "attempt", 0)
        return f"{line} [{job_type} {job_id} attempt {attempt}]"


def configure_logging(level: str | None) -> None:
    """Log to stderr, unless the application has configured logging; a level given holds anyway."""
    root = logging.getLogger()
    if not root.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(LineFormatter(LINE))
        handler.addFilter(JobLogFilter())
        root.addHandler(handler)
        root.setLevel(level or logging.INFO)
    elif level is not None:
        root.setLevel(level)
