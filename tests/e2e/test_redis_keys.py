"""What stands in Redis, under which keys, and what is left of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
import redis

from jobkit import JobContext, RedisJobs, Snooze
from jobkit.worker import WorkingJobs
from tests.e2e.handling import calling, do_nothing, returning
from tests.e2e.jobtypes import Alone, Flaky, Mailed, Ping, Pong
from tests.e2e.waiting import Gate, eventually
from tests.servers import HOST, RedisServer

MINUTE = timedelta(minutes=1)
Client: TypeAlias = Any  # redis-py types its commands in part


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[Client]:
    """Look at the server from outside."""
    with redis.Redis(host=HOST, port=redis_server.port, decode_responses=True) as plain:
        yield plain


def keys_of(client: Client, namespace: str) -> set[str]:
    """List the keys of one namespace."""
    found = {str(key) for key in client.keys("*")}
    return {key for key in found if re.match(rf"({{{namespace}:|{namespace}:)", key)}


def a_busy_day(jobs: WorkingJobs) -> list[str]:
    """Bring jobs into every state, over two queues, and return their ids."""
    gate = Gate()

    @jobs.register
    def run(job: Ping, ctx: JobContext) -> object:
        ctx.enqueue(Mailed(job.n))
        return {"result": job.n}

    @jobs.register
    def fail(job: Flaky) -> None:
        raise ValueError("no")

    jobs.register(calling(lambda job: gate.enter() if job.n == 7 else None), job=Pong)
    jobs.register(returning(Snooze(timedelta(hours=1))), job=Mailed)
    jobs.register(do_nothing, job=Alone)
    jobs.start(concurrency=4, prefetch=2)
    handles = jobs.enqueue_many([Ping(n) for n in range(10)])
    failing = jobs.enqueue_many([Flaky(n) for n in range(5)], max_retries=1)
    handles += jobs.enqueue_many([Pong(n) for n in range(10)], priority=-3)
    handles += jobs.enqueue_many([Alone(n) for n in range(3)], retention=timedelta(hours=2))
    handles.append(jobs.enqueue(Ping(99), delay=timedelta(hours=1)))
    handles.append(jobs.enqueue(Flaky(98), delay=timedelta(hours=1)))
    handles[-1].cancel()
    gate.wait_for(1)
    gate.open()
    for handle in failing:
        handle.wait(MINUTE)
    jobs.drain(timeout=MINUTE)
    return [handle.id for handle in (*handles, *failing)]


def test_every_key_of_a_queue_carries_its_hash_tag(
    redis_server: RedisServer, client: Client, namespace: str
) -> None:
    """B54: one slot for each queue, so that Cluster accepts every script."""
    with RedisJobs(redis_server.url, namespace=namespace) as jobs:
        a_busy_day(jobs)
        found = keys_of(client, namespace)

    tags = {re.sub(r"^(\{[^}]*\}):.*$", r"\1", key) for key in found}
    assert tags == {f"{{{namespace}:default.0}}", f"{{{namespace}:mail.0}}", f"{namespace}:queues"}
    assert client.smembers(f"{namespace}:queues") == {"default", "mail"}


def test_after_everything_is_deleted_a_handful_of_keys_is_left(
    redis_server: RedisServer, client: Client, namespace: str
) -> None:
    """B46, B54"""
    with RedisJobs(redis_server.url, namespace=namespace) as jobs:
        a_busy_day(jobs)
        jobs.shutdown()
        prefixes = [f"{{{namespace}:{queue}.0}}:" for queue in ("default", "mail")]
        for prefix in prefixes:
            for job_id in client.hkeys(f"{prefix}bodies"):
                assert jobs.inspect.delete(str(job_id))
        left = keys_of(client, namespace)

    pushes = {key for key in left if ":push:" in key}
    kept = {f"{prefix}control" for prefix in prefixes}
    kept |= {f"{prefixes[0]}minutes", f"{prefixes[0]}totals"}  # statistics outlive their jobs
    assert left - pushes == {f"{namespace}:queues", *kept}
    # One small entry for each of a producer's channels, and Redis drops it after ten minutes.
    assert len(pushes) <= 2
    assert {0 < int(client.ttl(key)) <= 600 for key in pushes} <= {True}


def test_many_enqueues_leave_few_keys(
    redis_server: RedisServer, client: Client, namespace: str
) -> None:
    """B46: a channel is used again, so that a producer leaves no key for each of its jobs."""
    with RedisJobs(redis_server.url, namespace=namespace) as jobs:
        for n in range(300):
            jobs.enqueue(Ping(n))
        found = keys_of(client, namespace)

    assert len(found) < 10


def test_a_worker_that_stopped_leaves_no_key(
    redis_server: RedisServer, client: Client, namespace: str
) -> None:
    """B48"""
    with RedisJobs(redis_server.url, namespace=namespace) as jobs:
        jobs.register(do_nothing, job=Ping)
        for _ in range(3):
            jobs.start()
            jobs.enqueue(Ping()).wait(MINUTE)
            jobs.drain(timeout=MINUTE)
            jobs.shutdown()
        found = keys_of(client, namespace)

    words = ("workers", "serving", "abouts", "lanes:", "idle", "claims", "hint:")
    assert [key for key in found if any(word in key for word in words)] == []


def test_namespaces_share_nothing(redis_server: RedisServer, namespace: str) -> None:
    """B54"""
    ran: list[str] = []
    with (
        RedisJobs(redis_server.url, namespace=namespace) as ours,
        RedisJobs(redis_server.url, namespace=f"{namespace}.0") as theirs,
    ):
        ours.register(calling(lambda job: ran.append("ours")), job=Ping)
        theirs.register(calling(lambda job: ran.append("theirs")), job=Ping)
        mine = ours.enqueue(Ping())

        assert not theirs.drain(timeout=MINUTE)
        assert not theirs.inspect.delete(mine.id)
        assert ours.drain(timeout=MINUTE).succeeded == 1
        assert ran == ["ours"]


def test_an_id_leads_to_its_queue(redis_server: RedisServer, namespace: str) -> None:
    """B6"""
    with RedisJobs(redis_server.url, namespace=namespace) as jobs:
        handles = [jobs.enqueue(Ping(n), queue=f"q{n}") for n in range(20)]

        for handle in handles:
            assert jobs.inspect.get(handle.id).queue == handle.queue
        instants = [handle.id[:9] for handle in handles]  # within a millisecond, queues mix
        assert instants == sorted(instants)


def test_a_record_is_the_same_after_a_restart(redis_server: RedisServer, namespace: str) -> None:
    """B43"""
    with RedisJobs(redis_server.url, namespace=namespace, version="1.2") as jobs:
        ids = a_busy_day(jobs)
        jobs.shutdown()
        before = [jobs.inspect.get(job_id) for job_id in ids]

    with RedisJobs(redis_server.url, namespace=namespace) as jobs:
        assert [jobs.inspect.get(job_id) for job_id in ids] == before


def test_a_job_lost_by_its_own_worker_runs_again_beside_its_first_run(
    redis_server: RedisServer, client: Client, namespace: str
) -> None:
    """B37, B38: a worker that was cut off claims the job that it lost itself."""
    with RedisJobs(redis_server.url, namespace=namespace) as jobs:
        first = Gate()
        reasons: list[str | None] = []

        @jobs.register
        def run(job: Ping, ctx: JobContext) -> str:
            if ctx.fence == 1:
                first.enter()
                eventually(ctx.cancelled.is_set)
                reasons.append(ctx.cancelled.reason)
                return "too late"
            return "second"

        jobs.start(concurrency=2, poll=timedelta(milliseconds=10))
        handle = jobs.enqueue(Ping())
        first.wait_for(1)
        running = f"{{{namespace}:default.0}}:running"
        eventually(
            # Its lease has run out; until a heartbeat, which may be faster, extends it.
            lambda: client.zadd(running, {handle.id: 0}, xx=True) or handle.record().losses
        )
        record = handle.wait(MINUTE)
        first.open()
        jobs.drain(timeout=MINUTE)
        eventually(lambda: reasons)

        assert record.state == "succeeded"
        assert record.result == "second"
        assert (record.starts, record.losses) == (2, 1)
        assert reasons == ["lost"]
        assert handle.record() == record
