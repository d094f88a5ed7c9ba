"""The platform among the processes of a plan: gateway, analytics, alerts, drift and reports beside the bus.

    [gateway]                          # these are there when the plan has a bus; `enabled = false` leaves one out
    port = 8080
    environment = {B25_DATABASE_URL = "sqlite:///data/b25.db"}   # before what b25.toml says

    [analytics]
    enabled = false

    [drift]
    environment = {B25_DRIFT_PAUSE = "1"}      # pause a session that drifts without a cause

    [alerts]
    port = 8091                        # where it answers once it is ready; left out: its heartbeat tells

    [scheduler]                        # of reports; idle without a reports.toml

Started after the bus and before kill and sessions, in the order analytics, alerts, gateway, drift, scheduler; ended the other way
round.
Without a plan `b25 up` starts these and a bus, and nothing that trades.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from b25.bus.server import server_binary
from b25.config.settings import read_settings
from b25.model.errors import Misuse
from b25.runner.supervisor_plan import ProcessPlan

ORDER: Final = 5  # after what has no account (0), before kill (10) and sessions (20)


@dataclass(frozen=True, slots=True)
class Service:
    """One process of the platform.

    Attributes
    ----------
    words : tuple of str
        After ``python -m b25``.
    module : str
        Without which this b25 does not have it.
    """

    name: str
    words: tuple[str, ...]
    module: str
    order: int


SERVICES: Final = (
    Service("analytics", ("analytics", "serve"), "b25.cli.analytics", ORDER),
    Service("alerts", ("alerts", "serve"), "b25.cli.alerts", ORDER + 1),
    Service("gateway", ("gateway",), "b25.cli.gateway", ORDER + 2),
    Service("drift", ("drift", "--nightly"), "b25.cli.drift", ORDER + 3),
    Service("scheduler", ("report", "serve"), "apscheduler", ORDER + 4),
)
SETTINGS: Final = {"enabled", "port", "environment", "rss_mb_max"}
ALONE: Final = "[bus]\n"


def with_platform(plans: Sequence[ProcessPlan], plan: Path | None, folder: Path) -> list[ProcessPlan]:
    """Add the processes of the platform that a plan asks for.

    Parameters
    ----------
    plan : Path, optional
        None for the platform alone.

    Raises
    ------
    Misuse
        For a strange setting, or a service that this b25 does not have.
    """
    held = tomllib.loads(plan.read_text(encoding="utf-8")) if plan is not None else {"bus": {}}
    made = list(plans)
    for service in SERVICES:
        table = held.get(service.name)
        if table is None and ("bus" not in held or find_spec(service.module) is None):
            continue
        told = _checked(service, table if table is not None else {}, plan)
        if not told.get("enabled", True):
            continue
        if any(one.name == service.name for one in plans):
            raise Misuse(f"{plan} has a process {service.name!r} and a table [{service.name}]", remedy="keep the table")
        made.append(_process(service, told, folder, has_bus="bus" in held))
    return sorted(made, key=lambda one: one.order)


def _process(service: Service, told: Mapping[str, Any], folder: Path, *, has_bus: bool) -> ProcessPlan:
    words, environment = list(service.words), {"B25_RUN_FOLDER": str(folder)} | dict(told.get("environment", {}))
    ready = ""
    if service.name == "gateway":
        own = read_settings().gateway
        port = int(told.get("port", own.port))
        words += ["--port", str(port), "--folder", str(folder)]
        environment.setdefault("B25_GATEWAY__BUS", "true" if has_bus else "false")
        ready = f"{_reachable(own.host)}:{port}"
    elif "port" in told:
        ready = f"127.0.0.1:{told['port']}"
    return ProcessPlan(
        name=service.name, command=(sys.executable, "-m", "b25", *words), order=service.order, ready=ready, hang_s=10.0,
        drain_s=30.0, crashes_max=20, environment=environment, rss_mb_max=int(told.get("rss_mb_max", 1_500)),
        beats=service.name in ("gateway", "scheduler"),
    )  # fmt: skip


def _reachable(host: str) -> str:
    """Where a port answers from this machine."""
    return "127.0.0.1" if host in ("0.0.0.0", "localhost") else host  # noqa: S104 - read, not bound


def _checked(service: Service, table: Any, plan: Path | None) -> Mapping[str, Any]:
    if not isinstance(table, dict):
        raise Misuse(f"{plan}: {service.name} is no table", remedy=f"write [{service.name}], and under it enabled = true")
    if strange := sorted(set(table) - SETTINGS):
        raise Misuse(f"{plan}: [{service.name}] has no setting {strange[0]!r}", remedy=f"use {', '.join(sorted(SETTINGS))}")
    port = table.get("port", 1)
    if type(port) is not int or not 0 < port < 65_536:
        raise Misuse(f"{plan}: [{service.name}] port {port!r} is no port", remedy="give a number from 1 to 65535")
    if table.get("enabled", True) and find_spec(service.module) is None:
        raise Misuse(f"this b25 has no {service.name}", remedy=f"leave [{service.name}] out")
    return table


def alone(folder: Path) -> tuple[list[ProcessPlan], Path]:
    """Return the platform without anything that trades, and the plan that says so, written into the run folder."""
    server_binary()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "platform.toml"
    path.write_text(ALONE, encoding="utf-8")
    return with_platform([], path, folder), path
