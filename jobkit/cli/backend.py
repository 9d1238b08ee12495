"""The backend that a command is about: an application's, or the Redis that it names."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from jobkit.cli.loading import import_all, load
from jobkit.errors import InvalidOption
from jobkit.handlers import Handlers
from jobkit.worker import WorkingJobs


def open_backend(
    target: str | None,
    *,
    imports: Sequence[str] = (),
    redis: str | None,
    namespace: str | None,
    flags: Collection[str] = (),
) -> WorkingJobs:
    """Return the backend that a command names; nothing is connected yet.

    `target`: the application, or None if `redis` says it all. `flags`: what stood on the command
    line, which must not contradict the application. Raises `InvalidOption` or `CannotLoad`.
    """
    if target is None:
        return _of_redis_alone(imports, redis, namespace)
    application = load(target, imports)
    if isinstance(application, Handlers):
        if redis is None:
            raise InvalidOption(
                f"{target} is a Handlers: say where its jobs are, with --redis or JOBKIT_REDIS_URL"
            )
        return _redis_jobs(application, redis, namespace)
    for flag in ("redis", "namespace"):
        if flag in flags:
            raise InvalidOption(
                f"--{flag}: {target} is {application!r}, which has its own; leave --{flag} out, "
                "or name a Handlers instead"
            )
    if application.worker is not None:
        raise InvalidOption(
            f"{target} was started when it was imported; take its start() out of the module: the "
            f"command does that"
        )
    return application


def _of_redis_alone(
    imports: Sequence[str], redis: str | None, namespace: str | None
) -> WorkingJobs:
    if redis is None:
        raise InvalidOption(
            "say where the jobs are: --app app.jobs, or --redis redis://localhost:6379/0 "
            "(JOBKIT_APP, JOBKIT_REDIS_URL)"
        )
    import_all(imports)
    return _redis_jobs(Handlers(), redis, namespace)


def _redis_jobs(handlers: Handlers, redis: str, namespace: str | None) -> WorkingJobs:
    from jobkit.redis import RedisJobs

    if namespace is None:
        return RedisJobs(redis, handlers=handlers)
    return RedisJobs(redis, handlers=handlers, namespace=namespace)
