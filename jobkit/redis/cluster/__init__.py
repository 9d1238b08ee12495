"""Jobs in a Redis Cluster: each queue is in one slot, and so on one node.

What reaches over queues is not one step here: a batch is published queue by queue, and the
children that a success leaves for other queues are forwarded, each exactly once.
"""

from jobkit.redis.cluster.address import ClusterAddress, cluster_address_of
from jobkit.redis.cluster.aio import AsyncClusterStore
from jobkit.redis.cluster.store import ClusterStore

__all__ = ["AsyncClusterStore", "ClusterAddress", "ClusterStore", "cluster_address_of"]
