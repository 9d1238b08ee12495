"""Log records of isolated handlers, handled where logging is configured: in the worker."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from jobkit.context import CURRENT_JOB, JobContext
from jobkit.worker.isolation.wire import Logged

_PLAIN = (str, int, float, bool, type(None))


def levels() -> dict[str, int]:
    """Return the levels that loggers of this process have been given; "" is the root."""
    found = {"": logging.root.level}
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and logger.level:
            found[name] = logger.level
    return found


def take_levels(given: dict[str, int]) -> None:
    """Give loggers the worker's levels, unless the application has configured logging itself."""
    if logging.root.handlers:
        return
    for name, level in given.items():
        logging.getLogger(name or None).setLevel(level)


def forward_logs(tell: Callable[[Logged], None]) -> None:
    """Send records home, unless the application has configured logging for this process."""
    if not logging.root.handlers:
        logging.root.addHandler(_Forwarder(tell))


def handle(logged: Logged, ctx: JobContext) -> None:
    """Handle a child's record here, as if the handler had run in this thread."""
    record = logging.makeLogRecord(logged.fields)
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        context = copy_context()
        context.run(CURRENT_JOB.set, ctx)
        context.run(logger.handle, record)


class _Forwarder(logging.Handler):
    def __init__(self, tell: Callable[[Logged], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._tell(Logged(fields=_fields(record)))
        except Exception:
            self.handleError(record)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """Take a record apart into what can travel: the message is formatted, objects are text."""
    fields = {**vars(record), "msg": record.getMessage(), "args": None, "exc_info": None}
    if record.exc_info and record.exc_info[1] is not None:
        fields["exc_text"] = "".join(traceback.format_exception(record.exc_info[1])).rstrip()
    return {
        name: value if isinstance(value, _PLAIN) else repr(value) for name, value in fields.items()
    }
