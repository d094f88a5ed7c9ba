"""Heeds, while a session runs, what is said of its version: one that is paused or retired pauses the session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from b25.model.errors import B25Error
from b25.runner.alarms import Alarms
from b25.runner.live import LiveLoop
from b25.runner.session_watch import SessionWatch

LOOK_S: Final = 2.0
BLIND_AFTER: Final = 5  # looks that fail, one after the other, before it is told


@dataclass(slots=True)
class VersionWatch:
    """Looks at a version every two seconds; asking happens in a thread, and the session never waits for it.

    Parameters
    ----------
    why_stopped : callable
        Says why the session must not go on trading; empty when it may. May take its time, and may fail.
    """

    why_stopped: Callable[[], str]
    looking: SessionWatch
    loop: LiveLoop
    alarms: Alarms
    why: str = ""
    failed: int = 0

    async def run(self) -> None:
        """Look on until the session has ended."""
        while not self.loop.until.is_set():
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Look once. A resumed session of a paused version is paused again; nobody resumes it when the version comes back."""
        try:
            why = await asyncio.to_thread(self.why_stopped)
            self.failed = 0
        except B25Error as fault:
            self.failed += 1
            if self.failed == BLIND_AFTER:  # it goes on as it stands: a database that is away must not end trading
                self._tell(f"it cannot be seen whether the version may still run: {fault.what}")
            return
        self.looking.unpromoted = why
        if why and not self.looking.is_paused and self.loop.session.fault is None:
            self.looking.pause()
        if why != self.why:
            self._tell(f"{why}: the session pauses" if why else "its version may run again: b25 session resume lets it trade")
            self.why = why

    def _tell(self, text: str) -> None:
        self.loop.say(text)
        self.alarms.alarm("version", text, session=self.looking.own.seat.session)
