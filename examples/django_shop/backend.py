"""Production: for `jobkit worker examples.django_shop.backend`, and for the views."""

from __future__ import annotations

import django
from django.conf import settings
from django.utils import timezone

django.setup()

# What needs the models is imported when they are there.
from examples.django_shop.bank import charge  # noqa: E402
from examples.django_shop.handlers import fresh_connections, make_handlers  # noqa: E402
from jobkit import RedisJobs  # noqa: E402

jobs = RedisJobs(settings.JOBKIT_REDIS_URL, handlers=make_handlers(charge, timezone.now))
jobs.middleware(fresh_connections)
