"""An application that cannot be imported."""

from __future__ import annotations

from typing import NoReturn


def connect() -> NoReturn:
    raise RuntimeError("no such database")


connect()
