"""One Redis as threads talk to it: words are sent in one go, and as many replies are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias, cast

import hiredis
import redis.exceptions as rx

from jobkit.redis.awake import Awake
from jobkit.redis.connections import Connections
from jobkit.redis.faults import is_demoted, unreachable
from jobkit.redis.link import Link

RESTED = 1.0  # seconds; a connection that was used since is taken as whole
BROKEN = (rx.ConnectionError, rx.TimeoutError, OSError)
Words: TypeAlias = list[tuple[Any, ...]]  # commands, as they are sent
Ask: TypeAlias = Callable[[Words], list[Any]]  # what sends them and returns the replies
# Its types are for a command of one word.
_pack = cast(Callable[[tuple[Any, ...]], bytes], cast(Any, hiredis).pack_command)


class Server:
    """Sends words on borrowed connections; `on_loss` is called when one breaks."""

    def __init__(self, connections: Connections, *, on_loss: Callable[[], object]) -> None:
        self._connections = connections
        self._on_loss = on_loss
        self._awake = Awake()
        self.losses = 0  # how often all connections were given up

    @property
    def where(self) -> str:
        """The address, without a password."""
        return self._connections.address.shown

    @property
    def is_connected(self) -> bool:
        """Whether a connection is at hand that was whole when it was used last."""
        return self._connections.has_idle

    def ask(self, words: Words) -> list[Any]:
        """Send words and return the replies; an error reply stands in its place."""
        return self.send(words).replies(self._awake)

    def ask_one(self, word: tuple[Any, ...]) -> Any:
        """Send one command and return its reply, by fewer steps than `ask` takes."""
        packed, losses = _pack(word), self.losses
        link = self._connect()
        try:
            link.send(packed)
            self._awake.wait(link.socket)
            reply = link.reply()
        except BaseException as error:
            self.broken(link, error)
        self._take_back(link, losses)
        if isinstance(reply, Exception):
            self._look_at([reply])
        return reply

    def send(self, words: Words) -> Flight:
        """Send words without waiting for the replies."""
        return self.send_packed(packed(words), len(words))

    def send_packed(self, packed: bytes, count: int) -> Flight:
        """Send so many commands that are packed already."""
        link = self._connect()
        try:
            link.send(packed)
        except BaseException as error:
            self.broken(link, error)
        return Flight(self, link, count)

    def notice_cut(self) -> None:
        """Give up all connections if the next one has ended while nobody used it.

        Before what is sent is put together: who answers next may know less than who did before.
        """
        losses = self.losses
        link = self._connections.borrow_rested(RESTED)
        if link is None:
            return
        if link.was_cut():
            link.disconnect()
            self.forget_connections()
        else:
            self._take_back(link, losses)

    def close(self) -> None:
        """Disconnect what is idle."""
        self._connections.close()

    def _connect(self) -> Link:
        link = self._connections.borrow()
        if link.is_connected:
            return link
        try:
            link.connect()
        except (*BROKEN, rx.RedisError) as error:
            self.forget_connections()
            raise unreachable(error, self.where, sent=False) from error
        return link

    def landed(self, link: Link, replies: list[Any], *, losses: int) -> None:
        """Take a connection back on which every reply was read, unless it was given up meanwhile.

        `losses`: how many there had been when the words were sent.
        """
        self._take_back(link, losses)
        self._look_at(replies)

    def _take_back(self, link: Link, losses: int) -> None:
        if losses == self.losses:
            self._connections.give_back(link)
        else:
            link.disconnect()

    def _look_at(self, replies: list[Any]) -> None:
        if any(map(is_demoted, replies)):
            self.forget_connections()  # Sentinel, or the host's name, leads to the new primary

    def broken(self, link: Link, error: BaseException) -> NoReturn:
        """End a connection, and raise what it means that this was raised while it was used.

        Also on a signal: unread replies must never reach the next caller.
        """
        link.disconnect()
        if isinstance(error, BROKEN):
            self.forget_connections()
            raise unreachable(error, self.where, sent=True) from error
        raise error

    def forget_connections(self) -> None:
        """Disconnect all: what broke one has probably broken them, and data may be another's."""
        self.losses += 1
        self._connections.close()
        self._on_loss()


class Flight:
    """Words on their way."""

    def __init__(self, server: Server, link: Link, count: int) -> None:
        self._link = link
        self._server = server
        self._count = count
        self._losses = server.losses

    def replies(self, awake: Awake | None = None) -> list[Any]:
        """Wait for the replies and return them; `awake`: what waits awake first."""
        link = self._link
        if awake is not None:
            awake.wait(link.socket)
        try:
            replies = [link.reply() for _ in range(self._count)]
        except BaseException as error:
            self._server.broken(link, error)
        self._server.landed(link, replies, losses=self._losses)
        return replies

    def drop(self) -> None:
        """Do not wait for the replies."""
        self._link.disconnect()


def packed(words: Words) -> bytes:
    """Return commands as they go over the wire.

    Not by the connection, which looks at each word several times before it does the same.
    """
    if len(words) == 1:
        return _pack(words[0])
    return b"".join([_pack(each) for each in words])
