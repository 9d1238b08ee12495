"""The log of a command: where it goes, and what a line tells."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from jobkit.cli.logs import LINE, LineFormatter, configure_logging


def bare_root(monkeypatch: pytest.MonkeyPatch) -> logging.Logger:
    """Return the root logger without the handlers that pytest puts there for each test."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", logging.WARNING)
    root.setLevel(logging.WARNING)  # forgets what loggers remember of the level
    return root


def a_line(**extra: object) -> str:
    fields = {"name": "mailing", "levelname": "INFO", "msg": "sent %d", "args": (1,), **extra}
    return LineFormatter(LINE).format(logging.makeLogRecord(fields))


def test_a_line_from_inside_of_a_job_tells_which() -> None:
    line = a_line(job_id="01ABC", job_type="app.Send", attempt=2)

    assert line.endswith(" INFO mailing: sent 1 [app.Send 01ABC attempt 2]")


def test_a_line_from_outside_of_jobs_is_shorter() -> None:
    assert a_line(job_id="-", job_type="-", attempt=0).endswith(" INFO mailing: sent 1")
    assert a_line().endswith(" INFO mailing: sent 1")


def test_logs_go_to_stderr_if_the_application_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bare_root(monkeypatch)
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)

    configure_logging(None)
    logging.getLogger("mailing").info("heard")
    logging.getLogger("mailing").debug("not heard")

    assert stderr.getvalue().endswith(" INFO mailing: heard\n")


def test_a_level_that_is_given_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    root = bare_root(monkeypatch)

    configure_logging("ERROR")

    assert root.level == logging.ERROR


def test_an_application_that_configured_logging_keeps_its_handlers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = bare_root(monkeypatch)
    own = logging.NullHandler()
    root.addHandler(own)

    configure_logging(None)
    assert (root.handlers, root.level) == ([own], logging.WARNING)

    configure_logging("DEBUG")
    assert (root.handlers, root.level) == ([own], logging.DEBUG)
