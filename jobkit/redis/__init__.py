"""Jobs in Redis."""

from jobkit.redis.jobs import RedisJobs

__all__ = ["RedisJobs"]
