"""What `b25 up` runs: a small table, read once.

    [processes.venue]
    command = ["{python}", "-m", "b25", "venue", "--folder", "venue"]
    ready = "127.0.0.1:18443"          # others start when this port answers
    beats = false                      # it knows nothing of heartbeats

    [processes.mm]
    command = ["{python}", "-m", "b25", "run", "strategies/market_maker.py:MarketMaker", "--mode", "live"]
    account = "demo"                   # one of [accounts]: its orders are cancelled when it dies
    rss_mb_max = 1500

    [accounts.demo]                    # see b25.runner.kill_account
    ...

With accounts there is a process `kill` by itself. Processes without an account start first, then kill, then sessions; they
stop in the opposite order. `{python}` is this interpreter, `{folder}` the run folder, `{plan}` this file.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from b25.model.errors import Misuse
from b25.runner.seat import SESSION_NAME

KILL, SEAT = "kill", "supervisor"  # names that are taken


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessPlan:
    """One process to keep alive.

    Attributes
    ----------
    account : str
        Where it may have orders; empty for one that has none.
    order : int
        Starts low to high, stops high to low.
    beats : bool
        Whether it keeps a heartbeat; without one only its end is noticed.
    ready : str
        host:port that answers once it can be used; empty for none.
    hang_s : float
        Silence, or work that waits without progress, after which it is killed.
    start_s, drain_s : float
        How long it may take to begin, and to end after SIGTERM.
    rss_mb_max : int
        Memory at which it is drained and started anew; 0 for no limit.
    crashes_max, within_s : int, float
        So many crashes within so long, and it stays down until a person starts it.
    autostart : bool
        False: only `b25 session start` begins it.
    """

    name: str
    command: tuple[str, ...]
    account: str = ""
    order: int = 0
    beats: bool = True
    ready: str = ""
    hang_s: float = 2.0
    start_s: float = 180.0
    drain_s: float = 20.0
    rss_mb_max: int = 2_000
    crashes_max: int = 3
    within_s: float = 600.0
    autostart: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)


SETTINGS = {
    "command",
    "account",
    "beats",
    "ready",
    "hang_s",
    "start_s",
    "drain_s",
    "rss_mb_max",
    "crashes_max",
    "within_s",
    "autostart",
    "environment",
}


def read_plan(path: Path, folder: Path) -> list[ProcessPlan]:
    """Processes of a plan, in the order in which they start. Raises Misuse for what is missing or strange."""
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as fault:
        raise Misuse(f"{path} cannot be read: {fault}", remedy="write a plan with [processes.NAME] tables") from None
    accounts = set(held.get("accounts", {}))
    words = {"{python}": sys.executable, "{folder}": str(folder), "{plan}": str(path)}
    plans = [_process(name, row, accounts, words) for name, row in held.get("processes", {}).items()]
    if not plans:
        raise Misuse(f"{path} names no process", remedy="write [processes.NAME] with a command")
    if accounts:
        command = (sys.executable, "-m", "b25.runner.kill_main", "--folder", str(folder), "--plan", str(path))
        # Its budget is wide: without it nobody cancels for a dead session.
        plans.append(ProcessPlan(name=KILL, command=command, order=10, hang_s=10.0, crashes_max=100, drain_s=15.0))
    return sorted(plans, key=lambda plan: plan.order)


def _process(name: str, row: Mapping[str, Any], accounts: set[str], words: Mapping[str, str]) -> ProcessPlan:
    if not SESSION_NAME.fullmatch(name) or name in (KILL, SEAT):
        raise Misuse(f"{name!r} names no process", remedy=f"use letters, digits, - and _; {KILL!r} and {SEAT!r} are taken")
    if strange := sorted(set(row) - SETTINGS):
        raise Misuse(f"process {name} has no setting {strange[0]!r}", remedy=f"use {', '.join(sorted(SETTINGS))}")
    command = row.get("command")
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        raise Misuse(f"process {name} has no command", remedy="give it as a list of words")
    account = row.get("account", "")
    if account and account not in accounts:
        raise Misuse(
            f"process {name} is of account {account!r}, which the plan does not have", remedy=f"write [accounts.{account}]"
        )
    for sign, meant in words.items():
        command = [word.replace(sign, meant) for word in command]
    return ProcessPlan(name=name, order=20 if account else 0, **{**row, "command": tuple(command)})
