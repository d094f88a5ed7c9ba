"""The bus among the processes of a plan.

    [bus]                              # a server of this machine's own, on loopback, its token and streams in the run folder
    port = 14222

    [bus]                              # or one that runs already
    url = "nats://10.0.0.5:4222"
    token_file = "/etc/b25/nats-token"

Every other process of the plan finds it by B25_NATS_URL and B25_NATS_TOKEN_FILE.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from b25.bus.address import PORT, TOKEN_FILE, URL, BusAddress, bus_folder
from b25.bus.server import server_binary
from b25.bus.subjects import check_subjects
from b25.model.errors import Misuse
from b25.runner.supervisor_plan import ProcessPlan

BUS: Final = "bus"
SETTINGS: Final = {"port", "url", "token_file"}
# `b25 WORD` is such a component
COMPONENT_WORDS: Final = {"run": "session", "gateway": "gateway", "analytics": "analytics", "alerts": "alerts", "drift": "drift"}


def with_bus(plans: Sequence[ProcessPlan], plan: Path, folder: Path) -> list[ProcessPlan]:
    """Add the bus that a plan asks for, first to start and last to end, and tell the others where it is.

    Raises
    ------
    Misuse
        For a strange setting, a missing server, or a reader of something that nothing in this plan makes.
    """
    table = tomllib.loads(plan.read_text(encoding="utf-8")).get("bus")
    if table is None:
        return list(plans)
    if any(one.name == BUS for one in plans):
        raise Misuse(f"{plan} has a process {BUS!r} and a table [bus]", remedy="keep the table, which starts the server")
    components = {component for one in plans if (component := component_of(one))}
    if "session" in components:  # else sessions come later, by hand, and what reads them waits
        check_subjects(components)
    found = _checked(table, plan)
    if "url" in found:
        told = {URL: str(found["url"])}
        if "token_file" in found:
            told[TOKEN_FILE] = str((plan.parent / str(found["token_file"])).resolve())
        return [replace(one, environment={**told, **one.environment}) for one in plans]
    server_binary()
    port = int(found.get("port", PORT))
    command = (sys.executable, "-m", "b25.bus.server", "--folder", str(folder), "--port", str(port))
    own = ProcessPlan(name=BUS, command=command, order=-10, beats=False, ready=f"127.0.0.1:{port}", crashes_max=20)
    told = {URL: f"nats://127.0.0.1:{port}", TOKEN_FILE: str(bus_folder(folder) / "token")}
    return [own, *(replace(one, environment={**told, **one.environment}) for one in plans)]


def component_of(plan: ProcessPlan) -> str:
    """Which component of the bus a process is; empty for one that says and reads nothing there."""
    words = list(plan.command)
    after = words[words.index("b25") + 1 :] if "b25" in words else []
    return COMPONENT_WORDS.get(after[0], "") if after else ""


def _checked(table: Any, plan: Path) -> Mapping[str, Any]:
    if not isinstance(table, dict):
        raise Misuse(f"{plan}: bus is no table", remedy="write [bus], and under it port = 14222")
    if strange := sorted(set(table) - SETTINGS):
        raise Misuse(f"{plan}: [bus] has no setting {strange[0]!r}", remedy=f"use {', '.join(sorted(SETTINGS))}")
    if "url" in table:
        if "port" in table:
            raise Misuse(f"{plan}: [bus] has a url and a port", remedy="give url for a server that runs, port for one of our own")
        BusAddress(str(table["url"]))
    port = table.get("port", PORT)
    if type(port) is not int or not 0 < port < 65_536:
        raise Misuse(f"{plan}: [bus] port {port!r} is no port", remedy="give a number from 1 to 65535")
    return table
