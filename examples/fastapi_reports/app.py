"""Puts the application together: `uvicorn --factory examples.fastapi_reports.app:application`."""

from __future__ import annotations

import os

from fastapi import FastAPI

from examples.fastapi_reports.api import create_api
from jobkit import RedisJobs


def application() -> FastAPI:
    """Return the application on the Redis of the environment; it connects at the first request."""
    return create_api(RedisJobs(os.environ["JOBKIT_REDIS_URL"]).aio)
