"""What the shop keeps in its database."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models


class Order(models.Model):
    """An order, and whether it was paid."""

    sku: models.CharField[str, str] = models.CharField(max_length=40)
    cents: models.PositiveIntegerField[int, int] = models.PositiveIntegerField()
    placed_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    is_paid: models.BooleanField[bool, bool] = models.BooleanField(default=False)

    objects: ClassVar[models.Manager[Order]] = models.Manager()
