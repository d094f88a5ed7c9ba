"""What the rest of b25 says to the kill switch: pull it, ask whether it is pulled, tell it that risk has latched."""

from __future__ import annotations

import time
from pathlib import Path

import orjson

from b25.runner.durable_file import write_durably
from b25.runner.kill_latch import ALL, KillRecord, Latch, Trigger, latched, pull, rearm
from b25.runner.seat import fence_of, session_folder

__all__ = ["ALL", "KillRecord", "Latch", "Trigger", "latched", "pull", "raise_risk_latch", "rearm", "refusal"]

RISK_LATCH = "risk-latch.json"


def refusal(folder: Path, account: str, session: str = "", epoch: int = 0) -> str:
    """Why a session may not send now; empty when it may.

    Asked before each order, amendment and anything else that could add risk; cancels and reduce-only orders of a session go
    on while it is latched, and stop when it is fenced. It reads two names in a folder, some microseconds.

    Parameters
    ----------
    folder : Path
        The run folder.
    account : str
    session : str
        With its epoch: refused as well when a later epoch of it may have begun.
    """
    latch = latched(folder, account)
    if latch is not None:
        return f"the kill switch holds {latch.account} ({latch.kill_id}): {latch.reason}"
    if session and epoch < fence_of(folder, session):
        return f"session {session} of epoch {epoch} was declared dead, and its orders cancelled"
    return ""


def raise_risk_latch(folder: Path, session: str, *, account: str, reason: str, flatten: bool = False) -> None:
    """Tell the kill process that a session's risk gate has latched: it stops the account."""
    row = {"account": account, "reason": reason, "flatten": flatten, "time_ns": time.time_ns()}
    write_durably(session_folder(folder, session) / RISK_LATCH, orjson.dumps(row))
