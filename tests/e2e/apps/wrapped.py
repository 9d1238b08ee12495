"""The same handlers below async middleware, which runs them in threads that Python waits for."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from jobkit import JobContext, RedisJobs
from tests.e2e.apps.mailing import handlers

jobs = RedisJobs(
    os.environ["APP_REDIS_URL"],
    namespace=os.environ.get("APP_NAMESPACE", "jobkit"),
    handlers=handlers,
    enqueue_timeout=timedelta(milliseconds=200),
)


@jobs.middleware
async def through(ctx: JobContext, call_next: Callable[[], Awaitable[Any]]) -> Any:
    return await call_next()
