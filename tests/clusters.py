"""A real Redis Cluster for tests: masters, and replicas if asked for, on free ports."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from tests.servers import (
    HOST,
    SYNC_AT_ONCE,
    RedisServer,
    ServerBinary,
    ServerError,
    free_port,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

SLOTS = 16384
MASTERS = 3
BUS = 10_000  # from a node's port to that on which it talks to the other nodes
PORTS = range(20_000, 22_700)  # the bus, too, stays below the kernel's ephemeral ports

# One node may be away without the others refusing everything: a test stops one to see what
# becomes of the rest. The timeout is long: a busy machine must not look like a dead node.
OPTIONS = ("--cluster-enabled", "yes", "--cluster-require-full-coverage", "no")
NODE_TIMEOUT = 15_000  # milliseconds


class ClusterNode(RedisServer):
    """One server of a cluster."""

    def __init__(self, binary: ServerBinary, *options: str) -> None:
        super().__init__(binary, *OPTIONS, *SYNC_AT_ONCE, *options)

    @property
    def id(self) -> str:
        """The name by which the cluster knows this node."""
        return self.ask("CLUSTER MYID").splitlines()[1]

    def _choose_port(self) -> int:
        return free_port(PORTS, BUS)


class RedisCluster:
    """Masters that share the slots evenly; with `replicas`, one behind each master.

    Leaving the context ends all. A node is killed, stopped and restarted as any server is.
    """

    def __init__(
        self,
        binary: ServerBinary,
        *options: str,
        replicas: bool = False,
        node_timeout: int = NODE_TIMEOUT,
    ) -> None:
        more = ("--cluster-node-timeout", str(node_timeout), *options)
        self.masters = [ClusterNode(binary, *more) for _ in range(MASTERS)]
        self.replicas = [ClusterNode(binary, *more) for _ in range(MASTERS if replicas else 0)]
        self._stack = ExitStack()

    @property
    def nodes(self) -> list[ClusterNode]:
        return [*self.masters, *self.replicas]

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(f'{HOST}:{node.port}' for node in self.nodes)}"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for node in self.nodes:
                stack.enter_context(node)
            self._form()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def master_of(self, slot: int) -> ClusterNode:
        """Return the node that was given a slot at the start."""
        return self.masters[next(i for i, share in enumerate(_shares()) if slot in share)]

    def _form(self) -> None:
        for number, (node, share) in enumerate(zip(self.masters, _shares(), strict=True)):
            _expect_ok(node, f"CLUSTER SET-CONFIG-EPOCH {number + 1}")
            # ADDSLOTSRANGE would be shorter; Redis 6.2 does not know it.
            _expect_ok(node, "CLUSTER ADDSLOTS " + " ".join(map(str, share)))
        for node in self.nodes[1:]:
            _expect_ok(self.nodes[0], f"CLUSTER MEET {HOST} {node.port}")
        for node in self.nodes:
            wait_until(
                "nodes that meet", partial(_knows, node, f"cluster_known_nodes:{len(self.nodes)}")
            )
        for master, replica in zip(self.masters, self.replicas, strict=False):
            # Refused until the replica has heard of the master.
            wait_until(
                "nodes that replicate", partial(_agrees, replica, f"CLUSTER REPLICATE {master.id}")
            )
        for replica in self.replicas:
            wait_until("nodes that have a copy", partial(_has_a_copy, replica))
        for node in self.nodes:
            wait_until("nodes that know all replicas", partial(_knows_all, node, self.replicas))
        self.wait_until_whole()

    def wait_until_whole(self) -> None:
        """Wait until every node says that all slots are served."""
        for node in self.nodes:
            whole = ("cluster_state:ok", f"cluster_slots_ok:{SLOTS}")
            wait_until("nodes that agree", partial(_knows, node, *whole))


def _shares() -> list[range]:
    ends = [SLOTS * (i + 1) // MASTERS for i in range(MASTERS)]
    return [range(first, end) for first, end in zip([0, *ends], ends, strict=False)]


def _expect_ok(node: ClusterNode, command: str) -> None:
    if not _agrees(node, command):
        raise ServerError(f"a node of the cluster refuses {command[:40]!r}: {node.ask(command)}")


def _agrees(node: ClusterNode, command: str) -> bool:
    return node.ask(command).startswith("+OK")


def _knows(node: ClusterNode, *words: str) -> bool:
    info = node.ask("CLUSTER INFO")
    return all(f"{word}\r" in info for word in words)


def _knows_all(node: ClusterNode, replicas: Sequence[ClusterNode]) -> bool:
    known = node.ask("CLUSTER NODES").split("\n")
    return sum("slave " in line for line in known) == len(replicas)


def _has_a_copy(replica: ClusterNode) -> bool:
    return "master_link_status:up" in replica.ask("INFO replication")
