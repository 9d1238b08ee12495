"""One HTTP request over asyncio streams; a real application would take httpx or aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit


async def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Post a body and return the status; a cancel closes the connection at once."""
    parts = urlsplit(url)
    assert parts.hostname, f"{url} has no host"
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        writer.write(_request(parts.path, parts.netloc, body, headers))
        status_line = await reader.readline()
    finally:
        writer.close()
    if not status_line.startswith(b"HTTP/1."):
        raise ConnectionError(f"{url} answered {status_line!r}")
    return int(status_line.split()[1])


def _request(path: str, host: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"POST {path or '/'} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("ascii") + body
