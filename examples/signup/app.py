"""Puts the application together: `jobkit worker examples.signup.app:jobs` runs its jobs."""

from __future__ import annotations

import os

from examples.signup.handlers import Certificates, Mailer, Webhooks
from examples.signup.http import post
from examples.signup.settings import Settings
from jobkit import Handlers, RedisJobs


def make_handlers(settings: Settings) -> Handlers:
    """Return what does the jobs: the same for every backend."""
    handlers = Handlers()
    handlers.register(Mailer(settings.smtp_host, settings.smtp_port).send_welcome)
    handlers.register(Webhooks(settings.webhooks_url, post).call)
    handlers.register(Certificates(settings.certificates).write)
    return handlers


def jobs() -> RedisJobs:
    """Return the backend of production, as the environment describes it."""
    settings = Settings.from_environment(os.environ)
    return RedisJobs(
        settings.redis_url, namespace=settings.namespace, handlers=make_handlers(settings)
    )
