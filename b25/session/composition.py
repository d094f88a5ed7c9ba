"""What a session is made of, in one record that its journal begins with: enough to make the same session again anywhere."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np

from b25.kernels.build import build_key
from b25.model.errors import Misuse
from b25.model.event import EVENT
from b25.model.instrument import Instrument
from b25.model.order import EFFECT
from b25.model.position import POSITION
from b25.model.world import FEES, LIMITS, NO_LIMIT
from b25.session.machine import Machine
from b25.strategy.compile import NotCompilable, compile_strategy
from b25.strategy.source_key import behaviour_key
from b25.strategy.strategy import Strategy

FORMAT: Final = 1
LAYOUTS: Final = {"event": EVENT, "effect": EFFECT, "position": POSITION}


@dataclass(frozen=True, kw_only=True)
class Composition:
    """What a session is made of.

    Attributes
    ----------
    name : str
        Id of the session.
    mode : str
        How it was put together: observe, paper, live, or replayed. Nothing here looks at it.
    venue : str
    cls : type of Strategy
    params : dict
        Parameters that differ from their defaults.
    instruments : sequence of Instrument
    limits, fees : ndarray of LIMITS and of FEES, shape (n,)
    balance : float
        Settlement currency at the start.
    compiled : bool, optional
        True insists on machine code, False runs plain Python. Default: machine code where the class allows it.
    bar_frames : int
    opening : ndarray of POSITION, shape (n,), optional
        What is held at the start, with what it cost and brought so far; nothing by default.
    more : dict
        Other facts for whoever reads the journal: of the feed, the latency, the account's name. Never a secret.
    """

    name: str
    mode: str
    venue: str
    cls: type[Strategy]
    params: dict[str, Any]
    instruments: Sequence[Instrument]
    limits: np.ndarray[Any, Any]
    fees: np.ndarray[Any, Any]
    balance: float
    compiled: bool | None = None
    bar_frames: int = 0
    opening: np.ndarray[Any, Any] | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def machine(self) -> Machine:
        """Return a machine that has seen nothing yet."""
        limits = self.limits.copy()
        # A fee is counted in 1e-8 of the money unit: above this value it would not fit.
        highest = np.maximum(np.abs(self.fees["maker_e8"]), np.abs(self.fees["taker_e8"])).max(axis=1)
        limits["value_bound"] = 2**62 // np.maximum(highest, 1)
        machine = Machine(
            self.cls,
            self.params,
            self.instruments,
            limits=limits,
            balance=self.balance,
            call=machine_code(self.cls, self.compiled),
            bar_frames=self.bar_frames,
        )
        if self.opening is not None:
            machine.world.positions[:] = self.opening
        return machine

    def header(self) -> dict[str, Any]:
        """Return what a journal begins with."""
        path = Path(inspect.getfile(self.cls))
        record = self.cls.record(self.params)[0]
        return {
            "format": FORMAT,
            "session": self.name,
            "mode": self.mode,
            "venue": self.venue,
            "strategy": {
                "file": str(path.resolve()),
                "class": self.cls.__name__,
                "behaviour": behaviour_key(self.cls),
                "source": path.read_text(encoding="utf-8") if path.is_file() else "",
                "parameters": {name: record[name].item() for name in self.cls.params},
                "compiled": self.compiled,
            },
            "build": build_key(),
            "layouts": layouts(),
            "instruments": [_instrument_facts(one) for one in self.instruments],
            "limits": rows_as_facts(self.limits),
            "fees": rows_as_facts(self.fees),
            "balance": self.balance,
            "bar_frames": self.bar_frames,
            "opening": None if self.opening is None else rows_as_facts(self.opening),
            "more": self.more,
        }


def machine_code(cls: type[Strategy], compiled: bool | None) -> Any:
    """Return the compiled callback, or None for a class that runs as plain Python."""
    if compiled is False:
        return None
    try:
        return compile_strategy(cls).call
    except NotCompilable:
        if compiled:
            raise
        return None


def from_header(header: dict[str, Any], cls: type[Strategy]) -> Composition:
    """Make the composition that a journal begins with, for a strategy class.

    Raises
    ------
    Misuse
        When the journal was written by another version of the records, or the class has not the parameters.
    """
    check_layouts(header)
    told = header["strategy"]
    return Composition(
        name=header["session"],
        mode=header["mode"],
        venue=header["venue"],
        cls=cls,
        params={name: value for name, value in told["parameters"].items() if name in cls.params},
        instruments=[_instrument(facts) for facts in header["instruments"]],
        limits=facts_as_rows(header["limits"], LIMITS, missing=NO_LIMIT),
        fees=facts_as_rows(header["fees"], FEES, missing=0),
        balance=header["balance"],
        compiled=told["compiled"],
        bar_frames=header["bar_frames"],
        opening=facts_as_rows(header["opening"], POSITION, missing=0) if header.get("opening") else None,
        more=header["more"],
    )


def check_layouts(header: dict[str, Any]) -> None:
    """Raise Misuse when a journal was written by another version of the records."""
    if header.get("format") != FORMAT or header.get("layouts") != layouts():
        changed = [name for name, kept in layouts().items() if header.get("layouts", {}).get(name) != kept]
        raise Misuse(
            f"the journal's records ({', '.join(changed) or 'format'}) are laid out as another version of b25 had them",
            remedy="replay it with the version that wrote it: its build is " + str(header.get("build")),
        )


def instruments_of(header: dict[str, Any]) -> list[Instrument]:
    """Instruments of a journal, in the order of their numbers. Raises Misuse for one that this b25 cannot read."""
    check_layouts(header)
    return [_instrument(facts) for facts in header["instruments"]]


def layouts() -> dict[str, str]:
    """How the journal's records are laid out in this version."""
    return {name: f"{dtype.itemsize} {' '.join(dtype.names or ())}" for name, dtype in LAYOUTS.items()}


def rows_as_facts(rows: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    """Return records as JSON values."""
    return [{name: row[name].tolist() for name in rows.dtype.names or ()} for row in rows]


def facts_as_rows(facts: list[dict[str, Any]], dtype: np.dtype[Any], *, missing: int) -> np.ndarray[Any, Any]:
    """Return JSON values as records; a field that is not told is `missing`."""
    rows = np.zeros(len(facts), dtype)
    for row, told in zip(rows, facts, strict=True):
        for name in dtype.names or ():
            row[name] = told.get(name, missing)
    return rows


def _instrument_facts(one: Instrument) -> dict[str, Any]:
    return {
        "venue": one.venue,
        "symbol": one.symbol,
        "tick": str(one.tick),
        "lot": str(one.lot),
        "contract_size": str(one.contract_size),
        "inverse": one.inverse,
        "price_ticks_max": one.price_ticks_max,
        "qty_lots_max": one.qty_lots_max,
        "min_notional": str(one.min_notional),
    }


def _instrument(facts: dict[str, Any]) -> Instrument:
    decimals = ("tick", "lot", "contract_size", "min_notional")
    terms: dict[str, Any] = {name: Decimal(value) if name in decimals else value for name, value in facts.items()}
    return Instrument(**terms)
