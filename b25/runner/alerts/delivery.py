"""Sends what waits in the queue: claims it, tries once, notes what became of it. Only here anything is tried again."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import orjson

from b25.model.errors import B25Error
from b25.runner.alerts.channels import Channel, Outgoing
from b25.runner.alerts.outgoing import AGAIN_S
from b25.store.notification_queue import NotificationQueue

AT_ONCE: Final = 20
TRY_S: Final = 30.0
LEASE_S: Final = 60.0  # of a sender that died: then another sends under the same id
S: Final = 1_000_000_000


class Delivery:
    """The sender of one process.

    Parameters
    ----------
    queue : NotificationQueue
    channels : mapping
        By name.
    clock_ns : callable
    say : callable
        Told of every message that was not accepted.
    owner : str
        Name of this sender, for as long as it alone has it; empty for one of its own.
    """

    def __init__(
        self, queue: NotificationQueue, channels: Mapping[str, Channel], clock_ns: Callable[[], int], say: Callable[[str], None],
        owner: str = "",
    ) -> None:  # fmt: skip
        self.queue, self.channels, self.clock_ns, self.say = queue, channels, clock_ns, say
        self.owner = owner or f"{os.getpid()}-{secrets.token_hex(4)}"
        self.sent = self.failed = self.dead = 0
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="b25-notify")

    async def once(self) -> int:
        """Send what is due, twenty at once at most; gives how many were tried. Raises StoreFailed."""
        taken = await asyncio.to_thread(self.queue.claim, self.owner, self.clock_ns(), int(LEASE_S * S), AT_ONCE)
        await asyncio.gather(*(self._send(row) for row in taken))
        return len(taken)

    async def _send(self, row: dict[str, Any]) -> None:
        told = await self.attempt(row)
        facts = {"status": told["status"], "next_ns": told["next_ns"], "now_ns": self.clock_ns(), "fault": told["fault"]}
        await asyncio.to_thread(lambda: self.queue.finish(row["notification_id"], self.owner, **facts))

    async def attempt(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Try once; tells the status, when to try again, and the fault. `tries` of the row counts this one."""
        fault = await self._tried(row)
        if not fault:
            self.sent += 1
            return {"status": "sent", "next_ns": 0, "fault": ""}
        self.failed += 1
        is_last = row["tries"] >= row["tries_max"]
        self.dead += is_last
        self.say(f"notification {row['notification_id']}: {fault}{'; given up' if is_last else ''}")
        wait_ns = int(AGAIN_S * 2 ** (row["tries"] - 1) * S)
        return {"status": "dead" if is_last else "retrying", "next_ns": self.clock_ns() + wait_ns, "fault": fault}

    async def _tried(self, row: Mapping[str, Any]) -> str:
        channel = self.channels.get(row["channel"])
        if channel is None:
            return f"there is no channel {row['channel']!r}"
        message = Outgoing(
            notification_id=row["notification_id"], kind=row["kind"], severity=row["severity"], title=row["title"],
            body=row["body"], correlation_id=row["correlation_id"], alert_ids=tuple(orjson.loads(row["alert_ids"])),
        )  # fmt: skip
        try:
            running = asyncio.get_running_loop().run_in_executor(self._threads, channel.send, message)
            await asyncio.wait_for(running, TRY_S)
        except TimeoutError:
            return f"channel {channel.name}: not done within {TRY_S:g} s"
        except B25Error as fault:
            return fault.what
        except Exception as fault:  # a channel's own fault must not end the others; its text may hold an address
            return f"channel {channel.name}: {type(fault).__name__}"
        return ""

    def close(self) -> None:
        """Let go of the threads; what they have begun they finish."""
        self._threads.shutdown(wait=False, cancel_futures=True)
