"""Django for tests: its settings, and a database in memory for this process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import django
import pytest

os.environ["DJANGO_SETTINGS_MODULE"] = "examples.django_shop.settings"
os.environ["SHOP_DATABASE"] = ":memory:"
django.setup()


@pytest.fixture(scope="session", autouse=True)
def database() -> Iterator[None]:
    """Give the tables."""
    from django.test.utils import setup_databases, teardown_databases

    before = setup_databases(verbosity=0, interactive=False)
    yield
    teardown_databases(before, verbosity=0)
