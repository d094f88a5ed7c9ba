"""Keeps the head of the audit elsewhere, every hour, while the gateway runs; says so when it cannot."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from b25.api.auth.means import Alarm
from b25.model.errors import B25Error
from b25.store.audit_anchor import anchor_audit
from b25.store.store import Store

EVERY_S: Final = 3_600


class AuditAnchoring:
    """A part of the gateway.

    Parameters
    ----------
    store : Store
    path : Path
        Where to append; not beside the database.
    now_ns : callable
    alarm : callable
        Told when the chain is broken or the file cannot be written.
    """

    def __init__(self, store: Store, path: Path, now_ns: Callable[[], int], alarm: Alarm) -> None:
        self.store, self.path, self.now_ns, self.alarm = store, path, now_ns, alarm
        self._task: asyncio.Task[None] | None = None

    def once(self) -> bool:
        """Anchor it now; tells whether that was done."""
        try:
            anchor_audit(self.store, self.path, now_ns=self.now_ns())
        except (B25Error, OSError) as fault:
            what = fault.what if isinstance(fault, B25Error) else f"{self.path}: {fault.strerror}"
            self.alarm("audit anchor", f"the audit could not be anchored: {what}")
            return False
        return True

    def start(self) -> None:
        """Anchor it now, and every hour from now on."""
        self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """Anchor it once more, and end."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await asyncio.to_thread(self.once)

    async def _go_on(self) -> None:
        while True:
            await asyncio.to_thread(self.once)
            await asyncio.sleep(EVERY_S)
