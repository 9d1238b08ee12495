"""Which node gets which command, and what to do with its answer: without sending anything.

A `Route` is a generator: it yields what to send to each node, is sent what each answered, and
returns replies. Threads and coroutines carry it out in their own ways.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, cast

import redis.exceptions as rx

from jobkit.errors import BackendUnavailable
from jobkit.redis.cluster.address import ClusterAddress
from jobkit.redis.cluster.silence import Silence
from jobkit.redis.cluster.slots import SlotMap, slot_of
from jobkit.redis.command import Command
from jobkit.redis.faults import refused
from jobkit.redis.hosts import Host
from jobkit.redis.server import Words
from jobkit.redis.store import pack

T = TypeVar("T")
Trip: TypeAlias = Mapping[Host, Words]
Answers: TypeAlias = Mapping[Host, list[Any] | BackendUnavailable]
Route: TypeAlias = Generator[Trip, Answers, T]
TRIES = 5  # how often a command is sent after a slot that moves


@dataclass(frozen=True, slots=True)
class Plain:
    """A command without a script, for the node of a key."""

    key: str
    words: tuple[Any, ...]


class Router:
    """What is known of the cluster; shared by all that talk to it in one process."""

    def __init__(self, address: ClusterAddress, *, monotonic: Callable[[], float]) -> None:
        self.address = address
        self.silence = Silence(monotonic)
        self._turn = 0
        self._slots: SlotMap | None = None
        self._is_stale = True
        self._loaded: dict[Host, set[bytes]] = {}
        self.losses = 0

    def lost(self, host: Host) -> None:
        """Note that a connection to a node broke: its slots may be another's soon."""
        self._loaded.pop(host, None)
        self._is_stale = True
        self.losses += 1

    def slots(self) -> Route[SlotMap]:
        """Return the map of slots, asking one node after the other if it may be out of date.

        If none answers, the old map has to do; without one this raises.
        """
        if self._slots is not None and not self._is_stale:
            return self._slots
        self._is_stale = False  # whoever finds it wrong meanwhile says so again
        error = BackendUnavailable(f"{self.address.shown} names no node", stored="no")
        for host in self._whom_to_ask():
            answer = (yield {host: [(b"CLUSTER", b"SLOTS")]})[host]
            if isinstance(answer, BackendUnavailable):
                error = BackendUnavailable(str(answer), stored="no", passing=answer.passing)
            elif isinstance(answer[0], Exception):
                error = refused(answer[0], self.address.shown)
            elif answer[0]:
                self._slots = SlotMap(answer[0], host)
                return self._slots
        self._is_stale = True
        if self._slots is None:
            raise error
        return self._slots

    def _whom_to_ask(self) -> list[Host]:
        """List all nodes, another one first each time: who is cut off does not know that it is."""
        known = [] if self._slots is None else self._slots.nodes
        hosts = list(dict.fromkeys([*known, *self.address.nodes]))
        self._turn += 1
        at = self._turn % len(hosts)
        return sorted([*hosts[at:], *hosts[:at]], key=self.silence.lasts)

    def replies(self, commands: Sequence[Command | Plain]) -> Route[list[Any]]:
        """Send each command to the node of its slot, in order, and return the replies.

        One trip, unless slots have moved or scripts are unknown. A reply may be an error reply,
        or `BackendUnavailable` where a node could not be reached.
        """
        replies: list[Any] = [None] * len(commands)
        left = list(range(len(commands)))
        for _ in range(TRIES):
            slots = yield from self.slots()
            places, trip = self._plan(commands, left, slots, replies)
            answers = yield trip
            left = list[int]()
            for host, answer in answers.items():
                at = places[host]
                each = [answer] * len(at) if isinstance(answer, BackendUnavailable) else answer
                for place, reply in zip(at, each, strict=True):
                    replies[place] = reply
                    if self._is_to_be_sent_again(commands[place], reply, host):
                        left.append(place)
            if not left:
                break
            left.sort()
        return [self._understood(reply) for reply in replies]

    def _plan(
        self,
        commands: Sequence[Command | Plain],
        left: Sequence[int],
        slots: SlotMap,
        replies: list[Any],
    ) -> tuple[dict[Host, list[int]], dict[Host, Words]]:
        places: dict[Host, list[int]] = {}
        trip: dict[Host, Words] = {}
        for place in left:
            each = commands[place]
            slot = slot_of(_key(each))
            host = slots.primary_of(slot)
            if host is None or self.silence.lasts(host):
                self._is_stale = True
                what = (
                    f"node serves slot {slot}"
                    if host is None
                    else f"answer from {host[0]}:{host[1]}"
                )
                replies[place] = BackendUnavailable(
                    f"no {what} of {self.address.shown}", stored="no"
                )
                continue
            places.setdefault(host, []).append(place)
            trip.setdefault(host, []).append(self._words(each, host))
        return places, trip

    def _words(self, each: Command | Plain, host: Host) -> tuple[Any, ...]:
        if isinstance(each, Plain):
            return each.words
        return pack(each, self._loaded.setdefault(host, set()))

    def _is_to_be_sent_again(self, sent: Command | Plain, reply: Any, host: Host) -> bool:
        """Tell whether the node did nothing, and another, or the same, would."""
        loaded = self._loaded.setdefault(host, set())
        match reply:
            case rx.MovedError():
                self._is_stale = True  # it will not be the only one
                if self._slots is not None:
                    moved = cast(Any, reply)  # which redis-py leaves half typed
                    self._slots.move(moved.slot_id, (moved.host or host[0], moved.port))
                return True
            case rx.NoScriptError():
                loaded.clear()
                return True
            case rx.ClusterDownError() | BackendUnavailable():
                self._is_stale = True
            case _ if isinstance(sent, Command) and sent.script is not None:
                if not isinstance(reply, Exception):
                    loaded.add(sent.script.sha)
            case _:
                pass
        return False

    def _understood(self, reply: Any) -> Any:
        """Return what is neither a place to go to nor a riddle."""
        if isinstance(reply, rx.MovedError):
            shown = self.address.shown
            return BackendUnavailable(f"{shown} does not settle on a node for a slot", stored="no")
        if isinstance(reply, rx.AskError):
            # A script sees all keys of a queue or none: never follow it to the half that has moved.
            return BackendUnavailable(
                f"{self.address.shown} moves slot {reply.slot_id} to another node, and its queues "
                f"stand still meanwhile",
                stored="no",
            )
        return reply


def _key(each: Command | Plain) -> str:
    return each.key if isinstance(each, Plain) else each.keys[0]
