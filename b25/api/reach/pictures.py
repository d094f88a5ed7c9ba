"""How every session stands, in memory: read again from its files twice a second, so that a request reads no file."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from b25.api.principal import Principal
from b25.runner.control import SOCKET
from b25.runner.durable_file import read_json
from b25.runner.heartbeat import read_beat
from b25.runner.seat import is_taken, occupant
from b25.runner.session_watch import STATUS
from b25.runner.supervisor import status as supervisor_status
from b25.runner.supervisor_plan import SEAT

LOOK_S: Final = 0.5
STALE_S: Final = 5.0  # a status is written once a second


@dataclass(frozen=True, slots=True)
class Picture:
    """One session, as it last said of itself.

    Attributes
    ----------
    phase : str
        ``up``, ``down``, or what its supervisor calls it.
    status : mapping
        What it wrote itself; empty when it never did, or when that was an earlier life.
    """

    name: str
    account: str
    phase: str
    why: str
    life: str | None
    epoch: int | None
    pid: int
    silent_s: float | None
    restarts: int
    is_running: bool
    status: Mapping[str, Any]

    def age_s(self, now_ns: int) -> float | None:
        """How old the status is."""
        told = self.status.get("time_ns")
        return None if told is None else round((now_ns - int(told)) / 1e9, 3)


class Pictures:
    """Every session of a run folder; give it to the gateway as a part.

    Parameters
    ----------
    folder : Path
        The run folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.all: dict[str, Picture] = {}
        self.looked_ns = 0
        self.answers: dict[Any, bytes] = {}  # made of this look, and gone with it
        self._seen: dict[str, tuple[int, dict[str, Any]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look once, then on and on."""
        await asyncio.to_thread(self.look)
        self._task = asyncio.create_task(self._look_on())

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await asyncio.to_thread(self.look)

    def look(self) -> None:
        """Look at every session's files once."""
        known: dict[str, dict[str, Any]] = {}
        if is_taken(self.folder, SEAT):
            rows = supervisor_status(self.folder).get("processes")
            known = {str(row["name"]): row for row in rows if "name" in row} if isinstance(rows, list) else {}
        names = {path.parent.name for path in self.folder.glob(f"sessions/*/{STATUS}")}
        names |= {path.parent.name for path in self.folder.glob(f"sessions/*/{SOCKET}")}
        names |= {name for name, row in known.items() if row.get("account")}
        self.all = {name: self._picture(name, known.get(name, {})) for name in sorted(names)}
        self.looked_ns = time.time_ns()
        self.answers = {}

    def _picture(self, name: str, row: Mapping[str, Any]) -> Picture:
        who, taken, beat = occupant(self.folder, name), is_taken(self.folder, name), read_beat(self.folder, name)
        epoch = who.get("epoch")
        status = self._status(name)
        is_own = status.get("epoch") == epoch and epoch is not None
        return Picture(
            name=name,
            account=str(who.get("account") or row.get("account") or ""),
            phase=str(row.get("phase") or ("up" if taken else "down")),
            why=str(row.get("why") or (status.get("why") if is_own else "") or ""),
            life=beat.life.name.lower() if beat is not None else None,
            epoch=int(epoch) if epoch is not None else None,
            pid=int(who.get("pid") or 0) if taken else 0,
            silent_s=round((time.monotonic_ns() - beat.beaten_ns) / 1e9, 3) if beat is not None and taken else None,
            restarts=int(row.get("restarts") or 0),
            is_running=taken,
            status=status if is_own else {},
        )

    def _status(self, name: str) -> dict[str, Any]:
        path = self.folder / "sessions" / name / STATUS
        try:
            stamp = path.stat().st_mtime_ns
        except OSError:
            return {}
        seen = self._seen.get(name)
        if seen is None or seen[0] != stamp:
            seen = self._seen[name] = (stamp, read_json(path))
        return seen[1]

    def seen_by(self, by: Principal) -> list[Picture]:
        """Sessions that somebody may see."""
        return [one for one in self.all.values() if by.accounts is None or one.account in by.accounts]

    def one(self, name: str, by: Principal) -> Picture | None:
        """A session by its name, if it is there and he may see it."""
        found = self.all.get(name)
        return found if found is not None and (by.accounts is None or found.account in by.accounts) else None
