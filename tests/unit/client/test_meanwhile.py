"""Something is on its way while something else is worked out."""

from __future__ import annotations

import asyncio

import pytest

from jobkit.client.meanwhile import meanwhile


class Story:
    """A push that is on its way until it is let go, and work that takes a few turns."""

    def __init__(self, *, push: Exception | None = None, work: Exception | None = None) -> None:
        self.lines: list[str] = []
        self.reply = asyncio.Event()
        self._push = push
        self._work = work

    async def push(self) -> str:
        self.lines.append("sent")
        try:
            await self.reply.wait()
        except asyncio.CancelledError:
            self.lines.append("cancelled")
            raise
        if self._push is not None:
            raise self._push
        self.lines.append("stored")
        return "ids"

    async def work(self) -> str:
        self.lines.append("work")
        await asyncio.sleep(0)
        self.reply.set()
        if self._work is not None:
            raise self._work
        return "next"

    async def endless_work(self) -> None:
        self.lines.append("work")
        await asyncio.Event().wait()


async def both(story: Story) -> tuple[str, str]:
    return await meanwhile(story.push(), story.work)


def test_the_work_begins_when_the_other_is_on_its_way() -> None:
    async def run() -> None:
        story = Story()

        assert await both(story) == ("ids", "next")
        assert story.lines == ["sent", "work", "stored"]

    asyncio.run(run())


def test_work_that_fails_waits_for_the_other() -> None:
    async def run() -> None:
        story = Story(work=LookupError("no next"))

        with pytest.raises(LookupError, match="no next"):
            await both(story)
        assert story.lines == ["sent", "work", "stored"]

    asyncio.run(run())


def test_what_is_on_its_way_is_told_first() -> None:
    async def run() -> None:
        with pytest.raises(OSError, match="away"):
            await both(Story(push=OSError("away"), work=LookupError("no next")))
        with pytest.raises(OSError, match="away"):
            await both(Story(push=OSError("away")))

    asyncio.run(run())


@pytest.mark.parametrize("push", [None, OSError("away")])
def test_a_cancel_ends_both(push: Exception | None) -> None:
    async def run() -> None:
        story = Story(push=push)
        task = asyncio.create_task(meanwhile(story.push(), story.endless_work))
        for _ in range(10):
            await asyncio.sleep(0)
        assert "work" in story.lines

        if push is not None:
            story.reply.set()
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task
        assert "stored" not in story.lines
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


def test_a_cancel_reaches_what_is_waited_for_at_the_end() -> None:
    async def run() -> None:
        story = Story()
        task = asyncio.create_task(meanwhile(story.push(), lambda: asyncio.sleep(0)))
        for _ in range(10):
            await asyncio.sleep(0)

        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task
        assert story.lines == ["sent", "cancelled"]

    asyncio.run(run())
