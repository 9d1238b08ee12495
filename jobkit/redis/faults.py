"""What an error from Redis or from the way to it means.

| error                                          | stored    | worth a retry |
|------------------------------------------------|-----------|---------------|
| no connection could be made                    | no        | yes           |
| the connection broke, or the reply timed out   | unknown   | yes           |
| LOADING, BUSY, READONLY, MASTERDOWN, ...       | no        | yes           |
| MISCONF, NOREPLICAS                            | no        | yes           |
| OOM                                            | no        | no            |
| NOAUTH, WRONGPASS, NOPERM                      | no        | no            |
| any other error reply (WRONGTYPE, a script)    | no        | no            |
"""

from __future__ import annotations

import re
from typing import TypeGuard

import redis.exceptions as rx

from jobkit.errors import BackendUnavailable

RETRIED = (
    "LOADING",
    "BUSY",
    "READONLY",
    "UNBLOCKED",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "MISCONF",
    "NOREPLICAS",
    "MAX NUMBER OF CLIENTS",
)
REFUSED_LOGIN = ("NOAUTH", "WRONGPASS", "NOPERM", "INVALID USERNAME-PASSWORD", "AUTHENTICATION")


class RefusedLogin(BackendUnavailable):
    """Redis refused the login, or the login may not do what jobkit needs."""


def unreachable(error: BaseException, where: str, *, sent: bool) -> BackendUnavailable:
    """Return what to raise when the connection failed, before or after the call was sent."""
    if _is_answer(error):
        return refused(error, where)
    words = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    if isinstance(error, TimeoutError) and not str(error):
        words = "no reply in time"
    if sent:
        return BackendUnavailable(f"lost the connection to {where}: {words}", stored="unknown")
    return BackendUnavailable(
        f"cannot reach Redis at {where}: {words}. Is it running, and is the URL right?",
        stored="no",
    )


def _is_answer(error: BaseException) -> TypeGuard[Exception]:
    """Tell whether Redis itself said this: redis-py calls some of its answers connection errors."""
    kinds = (rx.ResponseError, rx.AuthenticationError, rx.BusyLoadingError)
    return isinstance(error, kinds) or "max number of clients" in str(error)


def is_demoted(reply: object) -> bool:
    """Tell whether this is the answer of a server that was the primary and is no longer."""
    return isinstance(reply, Exception) and (
        isinstance(reply, rx.ReadOnlyError) or "READONLY" in str(reply)
    )


def refused(error: Exception, where: str) -> BackendUnavailable:
    """Return what to raise for an error reply."""
    words = " ".join(str(error).split()).rstrip(".")
    if inside := _IN_A_SCRIPT.search(words):
        words = inside[1]
    text = _with_code(error, words)
    if any(word in text.upper() for word in REFUSED_LOGIN):
        return RefusedLogin(f"{where} refused the login: {words}", stored="no", passing=False)
    if any(text.upper().startswith(code) or code in text.upper() for code in RETRIED):
        return BackendUnavailable(f"{where} does not take writes now: {text}", stored="no")
    if isinstance(error, rx.OutOfMemoryError) or text.startswith("OOM"):
        return BackendUnavailable(
            f"{where} is full: {words}. Raise maxmemory, or let workers catch up",
            stored="no",
            passing=False,
        )
    return BackendUnavailable(f"{where} refused: {text}", stored="no", passing=False)


# Redis 6.2 wraps what a command in a script answered.
_IN_A_SCRIPT = re.compile(r"@user_script: ?\d+: -(.+)$")
# redis-py cuts the code off the message and makes it a class.
_CODES: tuple[tuple[type[Exception], str], ...] = (
    (rx.BusyLoadingError, "LOADING"),
    (rx.ReadOnlyError, "READONLY"),
    (rx.NoPermissionError, "NOPERM"),
    (rx.AuthenticationError, "AUTHENTICATION"),
    (rx.MasterDownError, "MASTERDOWN"),
    (rx.ClusterDownError, "CLUSTERDOWN"),
    (rx.TryAgainError, "TRYAGAIN"),
)


def _with_code(error: Exception, words: str) -> str:
    for kind, code in _CODES:
        if isinstance(error, kind):
            return f"{code} {words}"
    return words
