"""The settings of Django: as few as there can be."""

from __future__ import annotations

import os

SECRET_KEY = os.environ.get("SHOP_SECRET_KEY", "only for this example")
INSTALLED_APPS = ["examples.django_shop.apps.ShopConfig"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SHOP_DATABASE", "shop.sqlite3"),
    }
}
ROOT_URLCONF = "examples.django_shop.urls"
USE_TZ = True
TIME_ZONE = "UTC"
JOBKIT_REDIS_URL = os.environ.get("JOBKIT_REDIS_URL", "redis://localhost:6379/0")
