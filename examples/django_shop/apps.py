"""Makes the shop known to Django."""

from __future__ import annotations

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """The shop."""

    name = "examples.django_shop"
    label = "shop"
    default_auto_field = "django.db.models.BigAutoField"
