"""Where tests on a real cluster keep their jobs."""

from __future__ import annotations

from jobkit_testing.places import describe_store, open_store
from tests.clusters import RedisCluster
from tests.unit.testing.samples import HOUR, SECOND, SendMail, done, jobs_of

QUEUES = [f"q{n}" for n in range(60)]  # so many that each of three nodes has some, by any prefix


def test_a_test_on_a_cluster_leaves_nothing_on_any_node(redis_cluster: RedisCluster) -> None:
    clock = jobs_of().clock
    with open_store("redis", url=redis_cluster.url, clock=clock) as store:
        jobs = jobs_of(done, store=store)
        for queue in QUEUES:
            jobs.enqueue(SendMail(3), queue=queue, delay=HOUR)
        jobs.enqueue_many([SendMail(1), SendMail(2)], queue=QUEUES[0])
        jobs.inspect.pause(type=SendMail, queue=QUEUES[0])
        jobs.run_for(SECOND)

        assert describe_store(store).startswith("cluster of Redis 8")
        keys = [node.ask("KEYS *jobkit-test*") for node in redis_cluster.masters]
        assert all("jobkit-test" in each for each in keys)

    keys = [node.ask("KEYS *jobkit-test*") for node in redis_cluster.masters]
    assert not any("jobkit-test" in each for each in keys)
