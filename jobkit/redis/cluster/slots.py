"""Which node serves which slot: what the cluster says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from jobkit.redis.hosts import Host


@lru_cache(maxsize=4096)
def slot_of(key: str) -> int:
    """Return the slot of a key.

    >>> slot_of("{jobkit:mail.0}:bodies") == slot_of("{jobkit:mail.0}:")
    True
    """
    return key_slot(key.encode())


class SlotMap:
    """The primary of each slot, and all nodes that were heard of.

    >>> slots = SlotMap([[0, 9000, [b"10.0.0.1", 6379], [b"10.0.0.9", 6379]]], ("10.0.0.5", 6379))
    >>> slots.primary_of(9000), slots.primary_of(9001)
    (('10.0.0.1', 6379), None)
    >>> slots.nodes
    [('10.0.0.1', 6379), ('10.0.0.9', 6379)]
    """

    def __init__(self, reply: Sequence[Sequence[Any]], asked: Host) -> None:
        """Read the reply to CLUSTER SLOTS; `asked` is who gave it."""
        self._primaries: list[Host | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        found: dict[Host, None] = {}
        for first, last, *nodes in reply:
            hosts = [_host(node, asked) for node in nodes]
            found |= dict.fromkeys(hosts)
            self._primaries[first : last + 1] = hosts[:1] * (last + 1 - first)
        self.nodes = list(found)

    @property
    def primaries(self) -> list[Host]:
        """The nodes that serve slots."""
        serving = set(self._primaries)
        return [node for node in self.nodes if node in serving]

    def primary_of(self, slot: int) -> Host | None:
        """Return who serves a slot; None: nobody."""
        return self._primaries[slot]

    def move(self, slot: int, host: Host) -> None:
        """Note that a slot is at another node."""
        self._primaries[slot] = host
        if host not in self.nodes:
            self.nodes.append(host)


def _host(node: Sequence[Any], asked: Host) -> Host:
    name: bytes | None = node[0]
    # A node that does not know under which name clients reach it leaves it out.
    return (asked[0] if not name or name == b"?" else name.decode(), int(node[1]))
