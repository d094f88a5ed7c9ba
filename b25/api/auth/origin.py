"""Where a request comes from, as far as it is kept: for the audit, and to tell one browser from another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request

AGENT_CHARS_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Address, program and request.

    Attributes
    ----------
    agent : str
        What the program calls itself.
    """

    ip: str = "local"
    agent: str = ""
    request_id: str = ""

    @property
    def fingerprint(self) -> str:
        """Stands for the same program at the same address."""
        return hashlib.sha256(f"{self.ip}\n{self.agent}".encode()).hexdigest()

    def facts(self, **more: Any) -> dict[str, Any]:
        """Body of an audit entry."""
        return {"ip": self.ip, "request_id": self.request_id} | more


def origin_of(request: Request) -> Origin:
    """Return where this request comes from; its address is the connection's, never what a header says."""
    agent = request.headers.get("user-agent", "")[:AGENT_CHARS_MAX]
    ip = request.client.host if request.client else ""
    return Origin(ip=ip, agent=agent, request_id=getattr(request.state, "request_id", ""))
