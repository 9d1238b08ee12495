"""Stands for the bank's client."""

from __future__ import annotations

import logging

logger = logging.getLogger(__name__)


def charge(key: str, cents: int) -> None:
    """Charge a card; the same key charges once."""
    logger.info("charged %s cents for %s", cents, key)
