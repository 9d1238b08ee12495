"""Job ids, and the only reader of real randomness.

An id is 26 characters of Crockford base 32: 48 bits of milliseconds, 16 bits of the queue
name's hash, 64 random bits that count up within one millisecond. So ids sort by time, and an
id leads to its queue.
"""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import threading
from collections.abc import Callable
from functools import lru_cache

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_LENGTH = 26
_PAIRS = [a + b for a in ALPHABET for b in ALPHABET]
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
_RANDOM_BITS = 64
_RANDOM_LIMIT = 1 << _RANDOM_BITS
_TAIL_LENGTH = 4  # letters that change with most ids
_TAIL = (1 << 5 * _TAIL_LENGTH) - 1


@lru_cache(maxsize=4096)
def queue_hash(queue: str) -> int:
    """Return the 16 bits of a queue's name that its jobs' ids carry."""
    return int.from_bytes(hashlib.blake2b(queue.encode(), digest_size=2).digest(), "big")


def queue_hash_of(job_id: str) -> int | None:
    """Return the queue's hash inside an id, or None if this is no id of ours."""
    if len(job_id) != ID_LENGTH:
        return None
    number = 0
    for letter in job_id:
        value = _VALUES.get(letter)
        if value is None:
            return None
        number = number << 5 | value
    return number >> _RANDOM_BITS & 0xFFFF


class IdSource:
    """Make ids from a clock and a source of random bits; safe to use from many threads."""

    def __init__(self, milliseconds: Callable[[], int], random_bits: Callable[[int], int]) -> None:
        self._milliseconds = milliseconds
        self._random_bits = random_bits
        self._lock = threading.Lock()
        self._last = -1
        self._random = 0
        # Ids of one queue and millisecond mostly begin alike: with this, if they count up by one.
        self._head = ""
        self._head_of: str | None = None

    def new(self, queue: str) -> str:
        """Return a new id for a job of this queue."""
        with self._lock:
            number = self._count_up(1)
            if queue != self._head_of or not number & _TAIL:
                whole = (self._last << 16 | queue_hash(queue)) << _RANDOM_BITS | number
                self._head = _encode(whole)[:-_TAIL_LENGTH]
                self._head_of = queue
            return f"{self._head}{_PAIRS[number >> 10 & 1023]}{_PAIRS[number & 1023]}"

    def several(self, queue: str, count: int) -> list[str]:
        """Return so many new ids for jobs of this queue, in their order."""
        with self._lock:
            number = self._count_up(count)
            self._head_of = None
            instant = self._last
        whole = (instant << 16 | queue_hash(queue)) << _RANDOM_BITS | number
        ids: list[str] = []
        while len(ids) < count:  # up to 1024 at a time differ in their last two letters alone
            head, first = _encode(whole)[:-2], whole & 1023
            alike = [head + pair for pair in _PAIRS[first : first + count - len(ids)]]
            ids += alike
            whole += len(alike)
        return ids

    def _count_up(self, by: int) -> int:
        """Return the first of so many numbers that nobody has had in the last instant."""
        now = self._milliseconds()
        if now <= self._last and self._random + by < _RANDOM_LIMIT:
            first = self._random + 1
        else:
            self._last = now if now > self._last else self._last + 1
            # The top bit stays clear, so that counting up within a millisecond has room.
            first = self._random_bits(_RANDOM_BITS - 1)
            self._head_of = None
        self._random = first + by - 1
        return first


def tick_id(schedule: str, queue: str, tick: int) -> str:
    """Return the id of the job that this tick of a schedule makes, the same wherever it is fired.

    >>> tick_id("nightly", "mail", 0) == tick_id("nightly", "mail", 0)
    True
    """
    content = f"{schedule}\0{tick}".encode()
    rest = int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")
    return _encode((tick << 16 | queue_hash(queue)) << _RANDOM_BITS | rest)


def _encode(number: int) -> str:
    pairs = _PAIRS
    return "".join([pairs[number >> shift & 1023] for shift in range(120, -1, -10)])


def system_ids(milliseconds: Callable[[], int]) -> IdSource:
    """Return ids that no other process makes."""
    return IdSource(milliseconds, secrets.randbits)


def seeded_ids(milliseconds: Callable[[], int], seed: int) -> IdSource:
    """Return ids that are the same on every run with the same seed and times."""
    return IdSource(milliseconds, random.Random(f"jobkit ids {seed}").getrandbits)


def incarnation() -> str:
    """Return a name that no other worker or client ever had."""
    return os.urandom(8).hex()


def jitter(*parts: str | int) -> float:
    """Return a number in [0, 1) that depends on the parts alone, the same on every machine.

    >>> jitter("a", 1) == jitter("a", 1)
    True
    """
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
