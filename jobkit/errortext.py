"""What went wrong, as text of bounded size that every store can keep."""

from __future__ import annotations

import traceback
from pathlib import Path

from jobkit.errors import JobkitError
from jobkit.outcome import Error, Verdict

MAX_ERROR = 4096  # bytes of UTF-8: type, message and traceback together
MAX_MESSAGE = 1024
MAX_TYPE = 255
_FRAMES = 64  # of each exception; more do not fit into MAX_ERROR
_CUT = "…"
_OURS = str(Path(__file__).with_name("attempt.py"))
# Users know what is in these as jobkit.Retry, jobkit.InvalidOption.
_PUBLIC = {Verdict.__module__, JobkitError.__module__}


def error_of(exception: BaseException) -> Error:
    """Describe an exception, with its traceback if it was raised."""
    message = _message(exception)
    return error_text(
        type=type_name(type(exception)),
        message=message,
        traceback=_traceback(exception, message),
    )


def drop_our_frames(exception: BaseException) -> None:
    """Let the traceback begin where jobkit called, unless there is nothing below."""
    entry = exception.__traceback__
    while entry is not None:
        if entry.tb_frame.f_code.co_filename != _OURS:
            exception.__traceback__ = entry
            return
        entry = entry.tb_next


def error_text(*, type: str, message: str, traceback: str = "") -> Error:
    """Cut texts to size: of a message the beginning stays, of a traceback the end."""
    type = _beginning(type, MAX_TYPE)
    message = _beginning(message, MAX_MESSAGE)
    left = MAX_ERROR - len(type.encode()) - len(message.encode())
    return Error(type=type, message=message, traceback=_end(traceback, left))


def type_name(cls: type[BaseException]) -> str:
    """Return `ValueError` for a builtin, else the qualified name, e.g. `app.errors.Boom`.

    >>> type_name(Verdict)
    'jobkit.Verdict'
    """
    if cls.__module__ == "builtins":
        return cls.__qualname__
    module = "jobkit" if cls.__module__ in _PUBLIC else cls.__module__
    return f"{module}.{cls.__qualname__}"


def _message(exception: BaseException) -> str:
    try:
        return str(exception)
    except BaseException as error:  # whatever it is, the job has to be settled
        return f"<str() raised {type(error).__name__}>"


def _traceback(exception: BaseException, message: str) -> str:
    if exception.__traceback__ is None:
        return ""
    try:
        lines = traceback.format_exception(exception, limit=-_FRAMES)
    except BaseException as error:  # as above
        return f"<the traceback cannot be written: {type(error).__name__}>"
    # It ends with the message, and a long one would push the frames out.
    return "".join(lines).replace(message, _beginning(message, MAX_MESSAGE))


def _encoded(text: str) -> bytes:
    # A lone surrogate (of a file name, say) has no UTF-8.
    return text.encode("utf-8", "backslashreplace")


def _beginning(text: str, size: int) -> str:
    data = _encoded(text[: size + 1])
    if len(data) <= size:
        return data.decode()
    return data[: size - len(_CUT.encode())].decode(errors="ignore") + _CUT


def _end(text: str, size: int) -> str:
    data = _encoded(text[-size - 1 :])
    if len(data) <= size:
        return data.decode()
    return _CUT + data[len(data) - size + len(_CUT.encode()) :].decode(errors="ignore")
