"""Where an idle worker waits: blocked on its hint lists, on a connection of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis.exceptions as rx

from jobkit.redis.connections import Address
from jobkit.redis.faults import unreachable
from jobkit.redis.keys import hint_key
from jobkit.redis.link import Link
from jobkit.redis.server import Words, packed

GRACE = 5.0  # seconds that a reply may take beyond the time blocked
SLICE = 0.1  # seconds to block at a time where nobody can end it


class RedisWaiter:
    """Block on the hint lists of one worker. `wake` ends it by closing the connection."""

    def __init__(self, address: Address, namespace: str, worker: str) -> None:
        self._address = address
        self._namespace = namespace
        self._worker = worker
        self._link: Link | None = None
        self._is_woken = False

    def wait(self, queues: Sequence[str], timeout: float) -> bool:
        """Block until a hint for one of these queues comes, or for `timeout` seconds."""
        replies = self._block(queues, timeout, [])
        return replies is None or replies[0] is not None

    def wait_with(self, queues: Sequence[str], timeout: float, words: Words) -> list[Any] | None:
        """Block as `wait` does, with commands behind it, and return the replies to these.

        Redis carries them out as soon as the hint is there, or time has run out. None if `wake`
        ended it: then they may have been carried out, or not.
        """
        replies = self._block(queues, timeout, words)
        return None if replies is None else replies[1:]

    def wake(self) -> None:
        """End a `wait` that is under way in another thread, or the next one.

        Asks nothing of Redis, which may be full, frozen or away.
        """
        self._is_woken = True  # first: a wait that has no socket yet looks at this once it has one
        if self._link is not None:
            self._link.cut()

    def close(self) -> None:
        """Disconnect."""
        self._disconnect()

    def _block(self, queues: Sequence[str], timeout: float, words: Words) -> list[Any] | None:
        """Return the hint, or None in its place, and the replies to `words`; None if woken."""
        keys = [hint_key(self._namespace, queue, self._worker) for queue in queues]
        try:
            replies = self._exchange(keys, max(timeout, 0.001), words)
        except (rx.RedisError, OSError) as error:
            self._disconnect()
            if not self._is_woken:
                raise unreachable(error, self._address.shown, sent=True) from error
            replies = None
        if self._is_woken:
            self._is_woken = False
            return None
        return replies

    def _exchange(self, keys: list[str], timeout: float, words: Words) -> list[Any]:
        if self._link is not None and not self._is_woken and self._link.was_cut():
            self._disconnect()  # while the worker was busy
        if self._link is None:
            self._link = Link(self._address.connection(socket_timeout=timeout + GRACE))
        link = self._link
        if not link.is_connected:
            link.connect()
        if link.socket is not None and not self._is_woken:
            return _ask(link, [_pop(keys, timeout), *words], timeout)
        # What has no socket, as fakeredis, cannot be woken: it has to look up.
        hint = None
        left = timeout
        while hint is None and left > 0 and not self._is_woken:
            rest = min(left, SLICE)
            [hint] = _ask(link, [_pop(keys, rest)], rest)
            left -= rest
        if words and not self._is_woken:
            return [hint, *_ask(link, words, 0)]
        return [hint]

    def _disconnect(self) -> None:
        if self._link is not None:
            self._link.disconnect()
            self._link = None


def _pop(keys: list[str], timeout: float) -> tuple[str, ...]:
    return ("BLPOP", *keys, f"{timeout:.3f}")


def _ask(link: Link, words: Words, timeout: float) -> list[Any]:
    """Send commands, of which the first one may take so long, and return the replies."""
    link.wait_at_most(timeout + GRACE)
    link.send(packed(words))
    replies = [link.reply() for _ in words]
    if isinstance(replies[0], Exception):
        raise replies[0]
    return replies
