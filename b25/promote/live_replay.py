"""Yesterday's session in a notebook: open it by name or day, and step through what it saw and decided, in its very version.

    run = open_session("main").replay("yesterday")
    run.until(code="order_filled"); run.book(); run.position; run.why(17)

Nothing here trades or writes: the journal is read, and may still be written by the session.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from b25.model.errors import Misuse
from b25.promote.session_version import class_of_session, version_of
from b25.promote.version import LIVE
from b25.session.stepping import FAR_NS, Stepping
from b25.store.journal import END, EVENTS, Reading, read_header

FOLDER: Final = Path("data/sessions")
DAY_NS: Final = 86_400_000_000_000
LISTED: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSession:
    """A session that runs or has run, as its journal tells it.

    Attributes
    ----------
    first_ns, last_ns : int
        Local times of the first and last event; 0 when nothing happened.
    version : str
        ``NAME@NUMBER`` whose bytes it ran; empty for a class that was not promoted.
    ended : bool
        Whether it ended by itself; False while it runs, and for one that was killed.
    """

    path: Path
    root: Path
    name: str
    mode: str
    version: str
    first_ns: int
    last_ns: int
    ended: bool

    def replay(self, when: Any = None) -> Stepping:
        """Open the session's events, or those of a day.

        Parameters
        ----------
        when : str or date, optional
            ``"yesterday"``, ``"today"``, or a day such as ``"2026-01-31"``, in UTC; left out, all of it.

        Returns
        -------
        Stepping
            Stands before the first event of that time.

        Raises
        ------
        Misuse
            When nothing happened then.
        """
        begin_ns, end_ns = (0, FAR_NS) if when is None else day_of(when)
        if not self.first_ns or begin_ns > self.last_ns or end_ns <= self.first_ns:
            raise Misuse(f"session {self.name} has no events of {when or 'any time'}", remedy=f"it has events {self._span()}")
        header = read_header(self.path)
        cls = class_of_session(header, self.root)
        return Stepping(self.path, cls, begin_ns=begin_ns if begin_ns > self.first_ns else 0, end_ns=end_ns)

    def _span(self) -> str:
        if not self.first_ns:
            return "of no time at all"
        first, last = (
            datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S") for ns in (self.first_ns, self.last_ns)
        )
        return f"from {first} to {last} UTC"

    def __repr__(self) -> str:
        what = self.version or "a class that was not promoted"
        return f"RecordedSession({self.name}, {self.mode}, {what}, {self._span()}{'' if self.ended else ', not ended'})"


def open_session(name: str = "", *, folder: Path | str = FOLDER, root: Path = LIVE, when: Any = None) -> RecordedSession:
    """Open a session's journal for reading.

    Parameters
    ----------
    name : str
        Id of a session or path of its journal; empty for the one that was busy last, of the day `when` if that is given.
    folder : Path
        Where journals are.
    root : Path
        Where versions are.

    Raises
    ------
    Misuse
        When there is no such session.
    """
    given = Path(name)
    if name and (given.suffix == ".journal" or given.is_file()):
        return read_session(given, root)
    where = Path(folder)
    if name:
        path = where / f"{name}.journal"
        if path.is_file():
            return read_session(path, root)
    found = sorted(where.glob("*.journal"), key=lambda one: one.stat().st_mtime_ns)
    if name or not found:
        known = ", ".join(one.stem for one in found[-LISTED:])
        what = f"there is no session {name} in {where}" if name else f"there are no sessions in {where}"
        raise Misuse(what, remedy=f"use one of {known}" if known else "start one: b25 run")
    if when is None:
        return read_session(found[-1], root)
    begin_ns, end_ns = day_of(when)
    for path in reversed(found):
        one = read_session(path, root)
        if one.first_ns and one.first_ns < end_ns and one.last_ns >= begin_ns:
            return one
    raise Misuse(f"no session of {where} has events of {when}", remedy=f"the last is {found[-1].stem}")


def read_session(path: Path, root: Path = LIVE) -> RecordedSession:
    """Read what a journal is of. Raises Misuse when it is none, Resync when it is damaged."""
    header = read_header(path)
    first_ns = last_ns = 0
    ended = False
    for record in Reading(path):
        if record.kind == EVENTS:
            events = record.events
            first_ns, last_ns = first_ns or int(events[0]["local_ns"]), int(events[-1]["local_ns"])
        ended = record.kind == END
    version = version_of(header, root)
    return RecordedSession(
        path=path, root=root, name=header["session"], mode=header["mode"], version=version.reference if version else "",
        first_ns=first_ns, last_ns=last_ns, ended=ended,
    )  # fmt: skip


def day_of(when: Any, *, now: datetime | None = None) -> tuple[int, int]:
    """Return begin and end of a day in UTC, ns. Raises Misuse for what is no day."""
    today = (now or datetime.now(UTC)).date()
    if when in ("today", "yesterday"):
        day = today - timedelta(days=when == "yesterday")
    elif isinstance(when, datetime):
        day = when.astimezone(UTC).date()
    elif isinstance(when, date):
        day = when
    else:
        try:
            day = date.fromisoformat(str(when))
        except ValueError:
            raise Misuse(f"{when!r} is no day", remedy='say "yesterday", "today" or e.g. "2026-01-31"') from None
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    begin_ns = int(begin.timestamp()) * 1_000_000_000
    return begin_ns, begin_ns + DAY_NS
