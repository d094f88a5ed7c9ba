"""The life of a platform process whose work lives in another package: its seat, its heartbeat, its signals, its log."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from b25.runner.heartbeat import Heartbeat, Life, supervisor_is_gone
from b25.runner.seat import Seat
from b25.runner.structured_log import StructuredLog


@dataclass(slots=True)
class PlatformLife:
    """What such a process is given.

    Attributes
    ----------
    log : StructuredLog
    """

    heartbeat: Heartbeat
    log: StructuredLog
    _stopped: bool = False

    def beat(self, done: int, waiting: int) -> None:
        """Say that the work goes on; from the loop that does it."""
        self.heartbeat.beat(Life.STOPPING if self._stopped else Life.RUNNING, done, waiting)

    def is_over(self) -> bool:
        """Whether it was told to stop, or its supervisor is gone."""
        self._stopped = self._stopped or supervisor_is_gone()
        return self._stopped

    def stop(self, _: int = 0, __: FrameType | None = None) -> None:
        """Handle SIGTERM and SIGINT."""
        self._stopped = True


@contextmanager
def platform_life(folder: Path, name: str) -> Iterator[PlatformLife]:
    """Take the seat, live, and leave.

    Parameters
    ----------
    folder : Path
        The run folder.
    name : str
        When `b25 up` gives none.

    Raises
    ------
    Misuse
        When another process sits there.
    """
    name = os.environ.get("B25_PROCESS") or name
    log = StructuredLog(run=os.environ.get("B25_RUN_ID", ""), process=name)
    seat = Seat.take(folder, name)
    heartbeat = Heartbeat(seat.folder, name, epoch=seat.epoch)
    life = PlatformLife(heartbeat, log)
    before = {number: signal.signal(number, life.stop) for number in (signal.SIGINT, signal.SIGTERM)}
    end = Life.FAILED
    try:
        yield life
        end = Life.STOPPED
    finally:
        heartbeat.beat(end)
        heartbeat.close()
        seat.leave()
        for number, handler in before.items():
            signal.signal(number, handler)
