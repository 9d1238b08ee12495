"""What clients and workers of every backend share: from a job to what is stored, and back."""

from jobkit.engine.core import Engine
from jobkit.engine.publishing import PartlyStored
from jobkit.engine.steps import Steps, drive, drive_async, finish

__all__ = ["Engine", "PartlyStored", "Steps", "drive", "drive_async", "finish"]
