"""What the doctor sees of sessions and of their database: seats, heartbeats, holds, stops, leases, the audit's chain."""

from __future__ import annotations

import time
from pathlib import Path

from b25.runner.control import SOCKET
from b25.runner.doctor_findings import Finding, Health
from b25.runner.durable_file import read_json
from b25.runner.heartbeat import Life, read_beat
from b25.runner.kill_process import is_cleared
from b25.runner.kill_scopes import scoped_stops
from b25.runner.seat import is_taken, occupant, session_folder
from b25.runner.session_watch import HOLD, STATUS, read_status

SILENT_S = 5.0
NO_SESSIONS = ("supervisor", "kill")


def sessions(folder: Path) -> list[Finding]:
    """Every seat of the run folder: who sits there, whether it beats, and what a dead one left."""
    found = []
    for path in sorted(folder.glob("sessions/*/seat.json")):
        name = path.parent.name
        if name not in NO_SESSIONS:
            found += _session(folder, name)
    return found or [Finding(name="sessions", health=Health.GOOD, what=f"none has run in {folder}")]


def _session(folder: Path, name: str) -> list[Finding]:
    own, who, beat = f"session {name}", occupant(folder, name), read_beat(folder, name)
    epoch = int(who.get("epoch") or 0)
    if not is_taken(folder, name):
        stopped = beat is not None and beat.epoch == epoch and beat.life is Life.STOPPED
        if who.get("account") and not stopped and not is_cleared(folder, name, epoch):
            what = f"died as epoch {epoch}, and it is not known that its orders are gone"
            return [Finding(name=own, health=Health.BAD, what=what, remedy="b25 up clears it; else b25 kill --account, and look")]
        return [Finding(name=own, health=Health.GOOD, what=f"does not run; its last life was epoch {epoch}")]
    silent_s = (time.monotonic_ns() - beat.beaten_ns) / 1e9 if beat is not None else 0.0
    if beat is not None and beat.life in (Life.RUNNING, Life.PAUSED, Life.STOPPING) and silent_s > SILENT_S:
        what = f"process {who.get('pid')} has been silent for {silent_s:.0f} s"
        remedy = f"b25 session logs {name}; the supervisor or the kill process ends it"
        return [Finding(name=own, health=Health.BAD, what=what, remedy=remedy, age_s=silent_s)]
    if not (session_folder(folder, name) / SOCKET).exists():
        return [Finding(name=own, health=Health.WARNING, what="runs, but takes no commands yet", remedy="wait: it is starting")]
    status = read_status(folder, name)
    age_s = max((time.time_ns() - int(status.get("time_ns") or time.time_ns())) / 1e9, 0.0)
    if (hold := read_json(session_folder(folder, name) / HOLD)) or (session_folder(folder, name) / HOLD).exists():
        what = f"held: {hold.get('reason', 'its hold cannot be read')}"
        remedy = f"look at the account, then b25 session re-arm {name} --by NAME --reason WHY"
        return [Finding(name=own, health=Health.WARNING, what=what, remedy=remedy)]
    latched = status.get("picture", {}).get("risk", {}).get("latched", [])
    if latched:
        remedy = f"b25 session re-arm {name} --by NAME --reason WHY"
        return [Finding(name=own, health=Health.WARNING, what=f"its risk gate latched {', '.join(latched)}", remedy=remedy)]
    what = f"{status.get('state', 'runs')}, epoch {epoch}, {status.get('orders_open', 'n/a')} orders ({STATUS})"
    return [Finding(name=own, health=Health.GOOD, what=what, age_s=round(age_s, 1))]


def stops(folder: Path) -> list[Finding]:
    """Stops of a part of an account that hold."""
    found = []
    for one in scoped_stops(folder):
        remedy = f"b25 kill re-arm --stop {one.kill_id} --by NAME --reason WHY"
        age_s = max((time.time_ns() - one.time_ns) / 1e9, 0.0) if one.time_ns else 0.0
        found.append(Finding(name="stops", health=Health.WARNING, what=f"{one.account}: {one}", remedy=remedy, age_s=age_s))
    return found or [Finding(name="stops", health=Health.GOOD, what="no session, symbol or account is stopped in part")]


def store(url: str) -> list[Finding]:
    """Whether the database can be opened, who holds which account, and whether its audit is whole."""
    from sqlalchemy import select

    from b25.store.audit import audit_length, verify_audit
    from b25.store.store import open_store
    from b25.store.tables import lease

    opened = open_store(url)  # what it raises is a finding: it could not be looked at
    try:
        held = opened.rows(select(lease).order_by(lease.c.account))
        now_ms = time.time_ns() // 1_000_000
        told = [
            f"{row.account} by {row.holder} as epoch {row.epoch}" for row in held if row.expires_ms > now_ms
        ]  # one that has run out is nobody's
        found = [Finding(name="lease", health=Health.GOOD, what=f"held: {'; '.join(told) or 'none'}")]
        if wrong := verify_audit(opened):
            remedy = "restore a copy, and find out who wrote to it"
            return [*found, Finding(name="store", health=Health.BAD, what=f"the audit is not whole: {wrong}", remedy=remedy)]
        return [
            *found,
            Finding(name="store", health=Health.GOOD, what=f"opens; its audit of {audit_length(opened)} is whole"),
        ]
    finally:
        opened.close()
