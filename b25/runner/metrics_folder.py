"""Puts together what the processes of a run folder tell: their files, the supervisor's plan, and how every part is."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from b25.observe.health import NUMBERS, Check
from b25.observe.meter import Meter, merged
from b25.runner.durable_file import read_json
from b25.runner.health_checks import existing
from b25.runner.metrics_file import FILE
from b25.runner.seat import SESSION_NAME, is_taken

SILENT_S: Final = 15.0  # after which what a process told last is not told on
GONE_S: Final = 3_600.0  # after which a process that has ended is not named any more


def told_in(folder: Path, meter: Meter) -> str:
    """What every process of a run folder tells, and the supervisor's plan, in Prometheus' text format.

    Parameters
    ----------
    meter : Meter
        Of who asks; is brought up to date with what is known of the others.
    """
    read_supervisor(folder, meter)
    texts, now_s = [], time.time()
    for path in sorted(folder.glob(f"sessions/*/{FILE}")):
        name = path.parent.name
        try:
            age_s = max(0.0, now_s - path.stat().st_mtime)
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        there = SESSION_NAME.fullmatch(name) is not None and is_taken(folder, name)
        if not there and age_s > GONE_S:
            continue
        own = Meter(component_of(text), name)
        own.set("b25_process_up", there and age_s <= SILENT_S)
        own.set("b25_process_snapshot_age_seconds", age_s)
        texts.append(own.text())
        if age_s <= SILENT_S:  # an old number is no number
            texts.append(text)
    return merged([meter.text(), *texts])


def component_of(text: str) -> str:
    """What kind of process tells this."""
    _, found, rest = text.partition('{component="')
    return rest.partition('"')[0] if found else "unknown"


def read_supervisor(folder: Path, meter: Meter) -> None:
    """Tell of the processes of a plan, as their supervisor wrote it down last."""
    for name in _OF_PLAN:
        meter.forget(name)
    plan = read_json(folder / "supervisor.json")
    if not plan or time.time() - int(plan.get("time_ns") or 0) / 1e9 > SILENT_S:
        return
    meter.total("b25_supervisor_clock_steps_total", int(plan.get("clock_steps") or 0))
    for one in plan.get("processes", []):
        _read_process(one, meter)


def _read_process(one: dict[str, Any], meter: Meter) -> None:
    name = str(one.get("name"))
    meter.set("b25_supervisor_process_up", bool(one.get("pid")), process=name)
    meter.total("b25_supervisor_restarts_total", int(one.get("restarts") or 0), process=name)
    silent_s = one.get("silent_s")
    meter.set("b25_supervisor_silent_seconds", None if silent_s is None else float(silent_s), process=name)
    rss_mb = one.get("rss_mb")
    meter.set("b25_supervisor_memory_bytes", float(rss_mb) * 2**20 if rss_mb else None, process=name)


_OF_PLAN: Final = (
    "b25_supervisor_process_up",
    "b25_supervisor_restarts_total",
    "b25_supervisor_silent_seconds",
    "b25_supervisor_memory_bytes",
    "b25_supervisor_clock_steps_total",
)


def read_disk(folder: Path, meter: Meter) -> None:
    """Tell how much room is left."""
    found = shutil.disk_usage(existing(folder))
    meter.set("b25_host_disk_free_bytes", found.free)
    meter.set("b25_host_disk_free_ratio", found.free / found.total if found.total else None)


def read_checks(checks: Iterable[Check], meter: Meter) -> None:
    """Tell how every part is."""
    meter.forget("b25_health_state")
    for check in checks:
        meter.set("b25_health_state", NUMBERS[check.state], part=check.name)
