"""From the option `unique` to the key that a job holds, and back to what users see of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, cast

from jobkit.checks import plain_name
from jobkit.engine.instants import stored_delay
from jobkit.errors import Duplicate, InvalidOption
from jobkit.handle import HandleTo
from jobkit.jobtype import JobType
from jobkit.options import Unique
from jobkit.store import UniqueKey

LONGEST_KEY = 128  # characters; a longer one is stored as its hash
BETWEEN = "|"  # of type and key; no type has it in its name
HASHED = "~"
_BY_DEFAULT: Unique[Any] = Unique()


def unique_key(job: Any, job_type: JobType[Any], option: bool | Unique[Any]) -> UniqueKey | None:
    """Return the key under which a job is unique, of its type; None: it is not.

    Raises `InvalidOption` for a key function that fails, or returns no key.
    """
    if option is False:
        return None
    unique = _BY_DEFAULT if option is True else option
    own = key_text(_own_key(job, job_type, unique)) if unique.key is not None else None
    key = own or HASHED + _digest(job_type.codec.canonical(job), b"payload")
    return UniqueKey(
        key=f"{job_type.name}{BETWEEN}{key}",
        until=unique.until,
        ttl=None if unique.ttl is None else stored_delay(unique.ttl),
        on_conflict=unique.on_conflict,
    )


def key_text(key: str) -> str:
    """Return a user's key as it is stored and shown: long or unprintable ones as a hash.

    >>> key_text("user-7"), key_text("user\\n7")
    ('user-7', '~ae500c6f70dff463fe96f9ab8bb2c8d8')
    """
    if len(key) <= LONGEST_KEY and key.isprintable() and not key.startswith(HASHED):
        return key
    return HASHED + _digest(key.encode("utf-8", "surrogatepass"), b"key")


def shown_key(stored: str | None) -> str | None:
    """Return the key without the type in front of it.

    >>> shown_key("app.mail.Send|user-7")
    'user-7'
    """
    return None if stored is None else stored.partition(BETWEEN)[2]


def type_of_key(stored: str) -> str:
    """Return the type that a stored key belongs to."""
    return stored.partition(BETWEEN)[0]


def duplicate(what: str, key: str, holder: str, queue: str, handle_to: HandleTo) -> Duplicate:
    """Return the error for a stored key that job `holder` holds."""
    type_name = type_of_key(key)
    return Duplicate(
        f"{what}: nothing was stored, because job {holder} ({type_name}) holds the unique key "
        f"{shown_key(key)!r}",
        handle=handle_to(holder, type_name, queue),
    )


def _own_key(job: Any, job_type: JobType[Any], unique: Unique[Any]) -> str:
    if isinstance(unique.key, str):
        return plain_name(unique.key)
    # Checked with the options; what it returns is looked at, whatever its types say.
    function = cast("Callable[[Any], object]", unique.key)
    name = job_type.cls.__qualname__
    try:
        key = function(job)
    except Exception as error:
        raise InvalidOption(
            f"unique: key= of {name} raised {type(error).__name__}: it has to return a str for "
            f"every job of this type"
        ) from error
    if not isinstance(key, str) or not key:
        raise InvalidOption(f"unique: key= of {name} returned {key!r}: give a str, not empty")
    return plain_name(key)


def _digest(content: bytes, kind: bytes) -> str:
    # 128 bits: two keys of a queue meet by chance after some 10^19.
    return hashlib.blake2b(content, digest_size=16, person=kind).hexdigest()
