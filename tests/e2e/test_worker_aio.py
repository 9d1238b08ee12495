"""The async twin, on the same jobs and the same worker."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest

from jobkit import AsyncEnqueuer, JobNotFound, RedisJobs
from jobkit.worker import WorkingJobs
from tests.e2e.handling import collecting, do_nothing
from tests.e2e.jobtypes import Ping, Pong
from tests.e2e.waiting import Gate
from tests.servers import RedisServer

MINUTE = timedelta(minutes=1)


def test_everything_through_the_twin(jobs: WorkingJobs) -> None:
    """B5, B53"""

    async def main() -> None:
        async with jobs.aio as aio:

            @aio.register
            async def run(job: Ping) -> int:
                return job.n * 2

            first = await aio.enqueue(Ping(1))
            rest = await aio.enqueue_many([Ping(2), Ping(3)])
            async with aio.transaction() as tx:
                held = await tx.enqueue(Ping(4))
                with_chunks = await tx.enqueue_many([Ping(5)], chunk=1)
            report = await aio.drain(timeout=MINUTE)
            assert report.succeeded == 5
            assert [(await h.record()).result for h in (first, *rest, held)] == [2, 4, 6, 8]
            assert [h.created for h in (first, *rest, held, *with_chunks)] == [True] * 5

            await aio.start()
            await aio.start()
            later = await aio.enqueue(Ping(6))
            assert (await later.wait(MINUTE)).result == 12
            await aio.shutdown()

            waiting = await aio.enqueue(Ping(7))
            assert await waiting.cancel()
            assert not await waiting.cancel()
            assert await waiting.delete()
            with pytest.raises(JobNotFound):
                await waiting.record()
            assert (await aio.inspect.get(first.id)).state == "succeeded"

    asyncio.run(main())


def test_a_twin_that_raises_in_a_transaction_publishes_nothing(jobs: WorkingJobs) -> None:
    """B40"""

    async def fail(aio: AsyncEnqueuer) -> None:
        async with aio.transaction() as tx:
            await tx.enqueue(Ping())
            async with tx.transaction() as inner:
                await inner.enqueue(Ping())
            raise LookupError

    async def main() -> None:
        async with jobs.aio as aio:
            with pytest.raises(LookupError):
                await fail(aio)
            assert not await aio.drain(timeout=MINUTE)

    jobs.register(do_nothing, job=Ping)
    asyncio.run(main())


def test_each_loop_has_connections_of_its_own(jobs: WorkingJobs) -> None:
    """B5"""

    async def enqueue(n: int) -> str:
        handle = await jobs.aio.enqueue(Ping(n))
        await jobs.aio.inspect.get(handle.id)
        await jobs.aio.close()
        return handle.id

    ids = {asyncio.run(enqueue(n)) for n in range(5)}

    assert len(ids) == 5


def test_many_coroutines_enqueue_at_once(jobs: WorkingJobs) -> None:
    """B58"""

    async def main() -> set[str]:
        async with jobs.aio as aio:
            handles = await asyncio.gather(*(aio.enqueue(Ping(n)) for n in range(200)))
            records = await asyncio.gather(*(handle.record() for handle in handles))
            assert [record.payload for record in records] == [Ping(n) for n in range(200)]
            return {handle.id for handle in handles}

    assert len(asyncio.run(main())) == 200


def test_a_cancelled_coroutine_leaves_no_reply_to_the_next(jobs: WorkingJobs) -> None:
    """B58: whichever await is hit, what follows gets its own answers."""

    async def main() -> None:
        async with jobs.aio as aio:
            known = [await aio.enqueue(Ping(n)) for n in range(5)]
            for turns in range(40):
                task = asyncio.create_task(aio.enqueue(Ping(100 + turns)))
                for _ in range(turns % 20):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                for handle in known:
                    assert (await handle.record()).id == handle.id

    asyncio.run(main())


def test_async_handlers_enqueue_through_the_twin_of_their_backend(jobs: WorkingJobs) -> None:
    """B5: on the worker's own loop, which ends with the worker."""
    ran: list[int] = []

    @jobs.register
    async def parent(job: Ping) -> None:
        await jobs.aio.enqueue(Pong(job.n))

    jobs.register(collecting(ran), job=Pong)
    jobs.enqueue_many([Ping(n) for n in range(10)])

    for _ in range(2):
        jobs.drain(timeout=MINUTE)

    assert sorted(ran) == list(range(10))


def test_closing_the_twin_closes_both(redis_server: RedisServer, namespace: str) -> None:
    """B5"""
    gate = Gate()
    names = {thread.name for thread in threading.enumerate()}

    async def main() -> None:
        async with RedisJobs(redis_server.url, namespace=namespace).aio as aio:
            aio.register(gate.handle, job=Ping)
            await aio.start()
            handle = await aio.enqueue(Ping())
            gate.open()
            await handle.wait(MINUTE)

    asyncio.run(main())

    left = {thread.name for thread in threading.enumerate()} - names
    assert not {name for name in left if name in ("jobkit-pump", "jobkit-keeper")}
