from __future__ import annotations

from jobkit.redis.keys import hint_key, queue_names, queue_prefix


def test_the_keys_of_a_queue_share_one_hash_tag() -> None:
    """B54"""
    prefix = queue_prefix("jobkit", "mail")
    key = hint_key("jobkit", "mail", "ann.1.ff")

    assert prefix.startswith("{jobkit:mail.0}")
    assert key.startswith(prefix)
    assert key.count("{") == key.count("}") == 1


def test_no_two_queues_of_any_namespaces_share_a_prefix() -> None:
    """B54: names have no colon, so that what stands before it is the namespace."""
    names = ["a", "a.0", "a.0.0", "b", "0"]

    prefixes = {queue_prefix(namespace, queue) for namespace in names for queue in names}

    assert len(prefixes) == len(names) ** 2
    assert queue_names("a") not in prefixes
