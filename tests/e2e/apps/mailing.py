"""An application with Handlers: `jobkit worker tests.e2e.apps.mailing`."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from jobkit import Handlers, JobContext, job

handlers = Handlers()
logger = logging.getLogger("mailing")


@dataclass(frozen=True)
class Note:
    """Logs a text."""

    text: str


@dataclass(frozen=True)
class Secret:
    """Has something that nobody should see."""

    user: str
    password: str = field(metadata={"sensitive": True})


@dataclass(frozen=True)
class Gated:
    """Runs until somebody writes to a named pipe."""

    pipe: str


@dataclass(frozen=True)
class Stubborn:
    """Runs for ever, whatever it is told."""


@job(timeout=timedelta(milliseconds=50), max_timeout_retries=0)
@dataclass(frozen=True)
class Overdue:
    """Runs for ever, and has a deadline."""


@dataclass(frozen=True)
class Patient:
    """Runs for ever, unless it is told to stop."""


@handlers.register
def note(job: Note) -> None:
    logger.info("noted %s", job.text)


@handlers.register
def gated(job: Gated) -> None:
    logger.info("gated began")
    Path(job.pipe).read_bytes()


@handlers.register
def for_ever(job: Stubborn | Overdue, ctx: JobContext) -> None:
    logger.info("for ever began")
    threading.Event().wait()


@handlers.register
async def patient(job: Patient) -> None:
    logger.info("patient began")
    await asyncio.sleep(3600)
