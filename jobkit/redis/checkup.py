"""What about a Redis may lose jobs, or soon will not take any: read off its `INFO`."""

from __future__ import annotations

from collections.abc import Mapping

OLDEST = (7, 0)
NEARLY_FULL = 0.9  # of maxmemory


def checkup(info: Mapping[str, str]) -> list[str]:
    """Return a sentence for each thing to mend; what this server does not tell is passed over.

    >>> checkup({"redis_version": "8.2.1", "role": "master", "aof_enabled": "0"})
    ['appendonly is no: a crash of Redis loses every job since the last snapshot. Set appendonly yes']
    """  # noqa: E501  # as it is printed
    return [
        *_version(info),
        *_persistence(info),
        *_memory(info),
        *_replication(info),
    ]


def parse_info(text: str) -> dict[str, str]:
    """Read the reply to `INFO`.

    >>> parse_info("# Server\\r\\nredis_version:8.2.1\\r\\n")
    {'redis_version': '8.2.1'}
    """
    pairs = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, colon, value in pairs if colon}


def _version(info: Mapping[str, str]) -> list[str]:
    version = info.get("redis_version", "")
    # Valkey tells the version of Redis that it is compatible with: 7.2.
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if not numbers or numbers >= OLDEST:
        return []
    return [f"this is Redis {version}, and 7.0 is the oldest that is supported. Upgrade it"]


def _persistence(info: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    if info.get("aof_enabled") == "0":
        found.append(
            "appendonly is no: a crash of Redis loses every job since the last snapshot. "
            "Set appendonly yes"
        )
    for field, what in (("aof_last_write_status", "write to the append-only file"),
                        ("rdb_last_bgsave_status", "snapshot")):  # fmt: skip
        if info.get(field, "ok") != "ok":
            found.append(f"the last {what} failed: look at the disk of Redis")
    return found


def _memory(info: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        found.append(
            f"maxmemory-policy is {policy}: a full Redis drops jobs. "
            "Set maxmemory-policy noeviction"
        )
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if most and used > NEARLY_FULL * most:
        found.append(
            f"{used / most:.0%} of maxmemory is used: soon nothing can be enqueued. "
            "Raise maxmemory, or let workers catch up"
        )
    return found


def _replication(info: Mapping[str, str]) -> list[str]:
    if info.get("role") == "slave":
        return ["this is a replica, which takes no jobs. Give the URL of its primary"]
    replicas = int(info.get("connected_slaves", 0))
    # INFO has this field only where min-replicas-to-write is set.
    if replicas and "min_slaves_good_slaves" not in info:
        return [
            f"{replicas} replicas and no min-replicas-to-write: a failover loses the jobs that no "
            "replica had yet. Set min-replicas-to-write 1"
        ]
    return []
