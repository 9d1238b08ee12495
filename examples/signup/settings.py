"""Where the application finds what it talks to: read from environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REDIS_URL = "redis://127.0.0.1:6379"
NAMESPACE = "signup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Ports and paths."""

    smtp_host: str
    smtp_port: int
    webhooks_url: str
    certificates: Path
    redis_url: str = REDIS_URL
    namespace: str = NAMESPACE

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read what `environment()` writes; what is left out has the default of a local machine.

        >>> Settings.from_environment({"SIGNUP_SMTP_PORT": "2525"}).smtp_port
        2525
        """
        return cls(
            smtp_host=environment.get("SIGNUP_SMTP_HOST", "127.0.0.1"),
            smtp_port=int(environment.get("SIGNUP_SMTP_PORT", "25")),
            webhooks_url=environment.get("SIGNUP_WEBHOOKS_URL", "http://127.0.0.1/hooks"),
            certificates=Path(environment.get("SIGNUP_CERTIFICATES", "certificates")),
            redis_url=environment.get("JOBKIT_REDIS_URL", REDIS_URL),
            namespace=environment.get("SIGNUP_NAMESPACE", NAMESPACE),
        )

    def environment(self) -> dict[str, str]:
        """Return what to hand to a process that shall have these settings."""
        return {
            "SIGNUP_SMTP_HOST": self.smtp_host,
            "SIGNUP_SMTP_PORT": str(self.smtp_port),
            "SIGNUP_WEBHOOKS_URL": self.webhooks_url,
            "SIGNUP_CERTIFICATES": str(self.certificates),
            "JOBKIT_REDIS_URL": self.redis_url,
            "SIGNUP_NAMESPACE": self.namespace,
        }
