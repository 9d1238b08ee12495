"""Which jobkit this is."""

from __future__ import annotations


def version() -> str:
    """Return the version of the installed distribution."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("jobkit-sdk")
    except PackageNotFoundError:  # run from a source tree
        return "unknown"
