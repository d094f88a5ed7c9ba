"""What the kill process watches beside latches and lives: stops of a part of an account, the drop copy, and the alarms."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import orjson

from b25.runner.alarms import Alarms, Notifier
from b25.runner.durable_file import append_durably, write_durably
from b25.runner.kill_process import GUARD_S, KillProcess, Reach
from b25.runner.kill_scopes import Level, ScopedStop, scoped_stops
from b25.runner.seat import is_taken, occupant, session_folder
from b25.runner.session_watch import HOLD, read_status

DROP_COPY_S = 30.0  # between two comparisons
AGAIN_S = 1.0  # between the reads of one comparison that found a difference
SAME_READS = 3  # so often the very same difference, and it is one: fills on their way differ from read to read
FRESH_S = 3.0  # a status that is older says nothing


class Scopes:
    """Cancels what rests under a stop of a session, a symbol, or of everything that adds, and guards it."""

    def __init__(self) -> None:
        self._next_s: dict[str, float] = {}

    def look(self, process: KillProcess) -> None:
        """Begin what each stop calls for."""
        for name, reach in process.reaches.items():
            for stop in scoped_stops(process.folder, name):
                if time.monotonic() >= self._next_s.get(stop.kill_id, 0.0):
                    process.begin(f"stop {stop.kill_id}", self._clear(process, reach, stop))

    async def _clear(self, process: KillProcess, reach: Reach, stop: ScopedStop) -> None:
        log = process.log.bind(account=reach.name, kill_id=stop.kill_id, level=str(stop.level), target=stop.target)
        is_first = stop.kill_id not in self._next_s
        prefix, only = "", stop.target if stop.level is Level.SYMBOL else ""
        if stop.level is Level.SESSION:
            prefix = str(occupant(process.folder, stop.target).get("client_id_prefix") or "")
            if not prefix:  # its orders cannot be told from others': it cancels them itself, or is cleared when it is dead
                self._next_s[stop.kill_id] = time.monotonic() + GUARD_S
                log.alarm("the session's orders cannot be told from others", remedy="b25 kill stops the whole account")
                return
        report = await process.sweep(reach, log, prefix=prefix, only=only)
        self._next_s[stop.kill_id] = time.monotonic() + (GUARD_S if report.is_complete else 1.0)
        if is_first or report.orders_seen:
            row: dict[str, Any] = {
                "kill_id": stop.kill_id,
                "level": str(stop.level),
                "account": reach.name,
                "target": stop.target,
            }
            row |= {"orders_seen": report.orders_seen, "orders_left": report.orders_left, "is_complete": report.is_complete}
            append_durably(process.folder / "kill" / "audit.jsonl", {"action": "reported", "time_ns": time.time_ns(), **row})
            if process.record is not None:
                process.record.kill_recorded("reported", {**row, "by": stop.by, "reason": stop.reason, "time_ns": time.time_ns()})
            log.info("stopped", **row)


class DropCopy:
    """Reads positions by the kill's own key every half minute and holds sessions that believe in others.

    Parameters
    ----------
    alarms : Alarms
    every_s : float
    """

    def __init__(self, alarms: Alarms, *, every_s: float = DROP_COPY_S) -> None:
        self.alarms, self.every_s = alarms, every_s
        self.compared = 0
        self._next_s: dict[str, float] = {}
        self._same: dict[str, tuple[dict[str, Decimal], int]] = {}

    def look(self, process: KillProcess) -> None:
        """Begin the comparisons that are due."""
        for name, reach in process.reaches.items():
            if reach.port.abilities.positions and time.monotonic() >= self._next_s.get(name, 0.0):
                process.begin(f"drop copy {name}", self._compare(process, reach))

    async def _compare(self, process: KillProcess, reach: Reach) -> None:
        name = reach.name
        self._next_s[name] = time.monotonic() + self.every_s
        sessions = believed(process, name)
        if not sessions:
            self._same.pop(name, None)
            return
        held = await reach.port.positions()
        if held.value is None:
            self._next_s[name] = time.monotonic() + AGAIN_S
            process.log.warning("drop copy: no answer", account=name, answer=held.answer.name, text=held.text[:200])
            return
        self.compared += 1
        found = differences(sessions, {symbol: one.qty for symbol, one in held.value.items()})
        if not found:
            self._same.pop(name, None)
            return
        before, times = self._same.get(name, ({}, 0))
        times = times + 1 if before == found else 1
        self._same[name] = found, times
        self._next_s[name] = time.monotonic() + AGAIN_S
        if times >= SAME_READS:
            self._hold(process, name, sorted(sessions), found)
            self._next_s[name] = time.monotonic() + self.every_s

    def _hold(self, process: KillProcess, account: str, sessions: Sequence[str], found: dict[str, Decimal]) -> None:
        told = ", ".join(f"{symbol} by {amount:+f}" for symbol, amount in found.items())
        reason = f"the venue's positions at {account} differ from the sessions': {told}"
        process.log.alarm("drop copy: held", account=account, sessions=list(sessions), differences=told)
        self.alarms.alarm("drop copy", reason, account=account)
        for session in sessions:
            path = session_folder(process.folder, session) / HOLD
            if not path.exists():
                write_durably(path, orjson.dumps({"reason": reason, "time_ns": time.time_ns()}))
                append_durably(
                    process.folder / "kill" / "audit.jsonl",
                    {"action": "held", "session": session, "account": account, "reason": reason, "time_ns": time.time_ns()},
                )


def believed(process: KillProcess, account: str) -> dict[str, dict[str, Any]]:
    """Positions as each live session of an account has just told them; empty when one of them has told nothing lately."""
    found = {}
    for path in process.folder.glob("sessions/*/seat.json"):
        name = path.parent.name
        if occupant(process.folder, name).get("account") != account or not is_taken(process.folder, name):
            continue
        status = read_status(process.folder, name)
        epoch = occupant(process.folder, name).get("epoch")
        if status.get("epoch") != epoch or time.time_ns() - int(status.get("time_ns") or 0) > FRESH_S * 1e9:
            return {}
        found[name] = {
            # What a person signed to be held beside every order of ours is no difference.
            symbol: Decimal(str(quantity)) + Decimal(str((status.get("ledger") or {}).get("adjusted", {}).get(symbol, 0)))
            for symbol, quantity in (status.get("positions") or {}).items()
        }
    return found


def differences(sessions: dict[str, dict[str, Any]], held: dict[str, Decimal]) -> dict[str, Decimal]:
    """What the venue holds more than the sessions believe, by symbol; only symbols that a session trades."""
    believed_qty: dict[str, Decimal] = {}
    for positions in sessions.values():
        for symbol, quantity in positions.items():
            believed_qty[symbol] = believed_qty.get(symbol, Decimal(0)) + Decimal(str(quantity))
    rest = {symbol: held.get(symbol, Decimal(0)) - quantity for symbol, quantity in sorted(believed_qty.items())}
    return {symbol: amount for symbol, amount in rest.items() if amount}


class AlarmTeller:
    """Runs the notifier within the kill process' turns."""

    def __init__(self, notifier: Notifier) -> None:
        self.notifier = notifier

    def look(self, process: KillProcess) -> None:
        """Tell what is new."""
        with suppress(OSError):
            self.notifier.look()
