"""What tests of the double may ask for."""

from tests.inner_runs import run

__all__ = ["run"]
