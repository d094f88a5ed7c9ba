"""Whether the alerts' process lives, looked at by another: by its file, so that no bus and no database is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from b25.runner.alerts.service import FILE
from b25.runner.doctor_findings import Finding, Health
from b25.runner.durable_file import read_json

NAME: Final = "alerts"
LATE_S: Final = 15.0


def check_heartbeat(folder: Path, now_ns: int) -> Finding:
    """Return what the file says: bad when there is none, it is old, or nobody could be told."""
    held = read_json(folder / FILE)
    time_ns = held.get("time_ns")
    if not isinstance(time_ns, int):
        return Finding(
            name=NAME, health=Health.BAD, what=f"nobody watches: no heartbeat in {folder}", remedy="start it: b25 alerts serve"
        )
    age_s = (now_ns - time_ns) / 1e9
    if age_s > LATE_S or held.get("ended"):
        what = "it has ended in order" if held.get("ended") else f"silent for {age_s:.0f} s, process {held.get('pid')}"
        return Finding(name=NAME, health=Health.BAD, what=what, remedy="b25 session logs alerts; start it anew", age_s=age_s)
    if fault := held.get("store_fault"):
        remedy = "bring the database back; what is critical is sent from memory"
        return Finding(name=NAME, health=Health.BAD, what=f"{fault}", remedy=remedy, age_s=age_s)
    if held.get("is_bus_up") is False:
        return Finding(name=NAME, health=Health.BAD, what="it has lost the bus", remedy="b25 bus check", age_s=age_s)
    told = f"lives; {held.get('firing')} fire, {held.get('sent')} messages sent, {held.get('dead')} given up"
    if held.get("dead"):
        remedy = "b25 alerts notifications --status dead"
        return Finding(name=NAME, health=Health.WARNING, what=told, remedy=remedy, age_s=age_s)
    return Finding(name=NAME, health=Health.GOOD, what=told, age_s=age_s)
