"""Limits as a person writes them, in TOML by scope; proven by the gate's self-test before anything trades under them.

version = 3

[account]
daily_loss_max = 500.0
drawdown_max = 0.1
orders_per_s_max = 20

[strategy.MarketMaker]
position_max = 0.5

[symbol."BTC/USDT:USDT"]
order_value_max = 5_000.0
collar = 0.02
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from b25.engine.world import make_world
from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.model.world import NO_LIMIT
from b25.risk.limit_set import LimitSet
from b25.risk.limits import Limits
from b25.risk.selftest import FIELDS, require, selftest
from b25.risk.status import controls_of, decisions
from b25.session.machine import Machine


def read_limits(path: Path | None, given: Limits | None = None) -> LimitSet:
    """Return the limits of a file, tightened by those given beside it.

    Raises
    ------
    Misuse
        When the file cannot be read, or says what is not known.
    """
    found = LimitSet()
    if path is not None:
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as fault:
            raise Misuse(
                f"{path} cannot be read: {fault}", remedy="write TOML with [account], [strategy.X], [symbol.X]"
            ) from None
        try:
            found = LimitSet.of(document)
        except (TypeError, ValueError) as fault:
            raise Misuse(f"{path}: {fault}", remedy="give numbers, by the names of b25.Limits") from None
    told = {name: value for name, value in (given or Limits()).items() if value is not None}
    tighter = {name: value for name, value in told.items() if (held := getattr(found.account, name)) is None or value < held}
    return replace(found, account=replace(found.account, **tighter)) if tighter else found


def prove(
    rows: np.ndarray[Any, Any], instruments: Sequence[Instrument], prices: Sequence[float], balance: float
) -> dict[str, Any]:
    """Try the gate with these limits; return what was proven, for the journal's header and the audit.

    Raises
    ------
    Halt
        When the gate does not do what it should: nothing may trade under it.
    """
    make = partial(make_world, list(instruments), depth_kept=False, balance=balance)
    require(selftest(rows, list(instruments), list(prices), make))
    tried = [name for name in FIELDS if bool((rows[name] != NO_LIMIT).any())]
    return {
        "limits_version": int(rows["version"][0]),
        "limits_hash": f"{int(rows['hash'][0]) & (2**64 - 1):016x}",
        "tried": tried,
        "prices": [str(price) for price in prices],
        "findings": [],
    }


def decided_by(effect: Any, machine: Machine, code_hash: bytes) -> dict[str, Any]:
    """What the store keeps beside the intent behind an effect, as columns of its `intent`.

    That is the gate's verdict, the parent order that the effect is a child of (by its number in this session; None for an order
    of the strategy's own), the strategy's behaviour key (`code_hash`), and the hash of the limits that were judged by.
    """
    return {
        "decision": decision_of(effect, machine),
        "parent_id": int(effect["parent"]) or None,
        "code_hash": code_hash,
        "cfg_hash": (int(machine.world.limits["hash"][0]) & (2**64 - 1)).to_bytes(8, "big"),
    }


def decision_of(effect: Any, machine: Machine) -> str:
    """What the gate said to the intent behind an effect, as JSON for the store's `intent.decision` and `risk_decision`.

    Ask while the effect's step is the machine's latest: the verdict lies in its world.
    """
    world = machine.world
    count = int(machine.head["outbox"])
    judged = decisions(world.outbox, world.verdicts, count, world.limits)
    same = [one for one in judged if one.order_id == int(effect["order_id"]) and one.request_id == int(effect["request_id"])]
    broken = same[0].broken if same else ()
    said = {
        "verdict": "approved" if int(effect["reason"]) == 0 else "refused",
        "reason": int(effect["reason"]),
        "broken": [control.name.lower() for control in broken],
        "near": [control.name.lower() for control in controls_of(int(world.risk["warned"][0]))],
        "limits_version": int(world.limits["version"][0]),
        "limits_hash": f"{int(world.limits['hash'][0]) & (2**64 - 1):016x}",
        "seq": machine.seq,
    }
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
