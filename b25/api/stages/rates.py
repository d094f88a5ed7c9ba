"""How often: of all together, of an address, of one who asks, and of him on one kind of route."""

from __future__ import annotations

import math
import time
from typing import Any, Final

from b25.api.gateway import Gateway
from b25.api.problems import Problem
from b25.api.rate_limits import ALL, BY_TOPIC, CLIENT, IP, Buckets, Rate, Told, topic_of
from b25.api.stages.asked import UNSAFE, Scope, ip_of, is_loopback, refuse, state_of

# What makes things safer is never kept waiting by how often its sender asked before.
NEVER_WAITS: Final = ("/api/v1/risk/emergency-stop", "/api/v1/orders/cancel-all")


class Rates:
    """Limits; on loopback only those of a principal."""

    def __init__(self, app: Any, gateway: Gateway) -> None:
        self.app, self.gateway = app, gateway
        self.buckets = Buckets()
        by = gateway.settings.gateway.rate_scale
        self.all, self.ip, self.client = ALL.scaled(by), IP.scaled(by), CLIENT.scaled(by)
        self.by_topic = {topic: rate.scaled(by) for topic, rate in BY_TOPIC.items()}

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass the request on if it is not one too many."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = state_of(scope)
        pattern = state["route"].pattern if state["route"] is not None else ""
        if pattern in NEVER_WAITS:
            await self.app(scope, receive, send)
            return
        rate, told, what = self._take(scope, pattern, time.monotonic())
        headers = state.setdefault("answer_headers", [])
        headers += [
            (b"x-ratelimit-limit", b"%d" % max(1, round(rate.per_s))), (b"x-ratelimit-remaining", b"%d" % told.remaining),
            (b"x-ratelimit-burst", b"%d" % rate.burst),
        ]  # fmt: skip
        if told.is_allowed:
            await self.app(scope, receive, send)
            return
        again = {"Retry-After": str(max(1, math.ceil(told.again_s)))}
        await refuse(scope, receive, send, Problem(429, f"too many requests of {what}", headers=again))

    def _take(self, scope: Scope, pattern: str, now_s: float) -> tuple[Rate, Told, str]:
        """Return the rate that decides, and what it says: the first that refuses, else the narrowest."""
        ip, principal = ip_of(scope), state_of(scope).get("principal")
        who = f"p:{principal.name}" if principal is not None else f"a:{_network(ip)}"
        asked: list[tuple[str, Rate, str]] = []
        if not is_loopback(ip):
            asked += [("all", self.all, "all together"), (f"ip:{_network(ip)}", self.ip, "this address")]
        asked.append((who, self.client, "this client"))
        if topic := topic_of(pattern):
            # Reads and writes of a topic do not take each other's: a chart must not keep a cancel waiting.
            kind = "w" if scope["method"] in UNSAFE else "r"
            asked.append((f"{who}:{topic}:{kind}", self.by_topic[topic], f"{topic} by this client"))
        for key, rate, what in asked[:-1]:
            told = self.buckets.take(key, rate, now_s)
            if not told.is_allowed:
                return rate, told, what
        key, rate, what = asked[-1]
        return rate, self.buckets.take(key, rate, now_s), what


def _network(ip: str) -> str:
    """Return what counts as one address: of IPv6 the first 64 bits."""
    return ":".join(ip.split(":")[:4]) if ip.count(":") > 1 else ip
