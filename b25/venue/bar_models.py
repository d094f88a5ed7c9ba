"""What a simulated venue assumes on bars: how orders are filled inside a bar, and what account they are for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from b25.model.bar_run import BAR_MODEL
from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.model.margin import TIERS

E12 = 10**12
LEVERAGE_MAX = 125.0
CONTRACTS_ONLY = 2


def _ratio_e12(name: str, value: float, most: float) -> int:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= most:
        raise Misuse(f"{name}={value!r}", remedy=f"give a number from 0 to {most:g}")
    return round(value * E12)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarFills:
    """How orders are filled inside a bar.

    Parameters
    ----------
    price : {"open", "close"}
        When a market order sent at a bar's close is filled: at the next bar's open, or at the very close that it was decided
        on, which nobody can have in life and some other engines assume.
    limit : {"through", "touch"}
        Whether a resting limit needs a price beyond its own, or is filled when its own is touched.
    slippage_bps : float
        What an order that takes liquidity pays beyond the price that it meets.
    impact_bps : float
        What it pays on top of that when it is as large as the bar's volume; less by the square root of its share.
    participation : float, optional
        Share of a bar's volume that our orders together may trade, e.g. 0.1; what is left waits for the next bar. Default: no
        bound.
    """

    price: str = "open"
    limit: str = "through"
    slippage_bps: float = 0.0
    impact_bps: float = 0.0
    participation: float | None = None

    def write(self, row: np.ndarray[Any, Any]) -> None:
        """Write it into a BAR_MODEL record. Raises Misuse for an unknown word or a number out of bounds."""
        if self.price not in ("open", "close"):
            raise Misuse(f"unknown fill price {self.price!r}", remedy="use open or close")
        if self.limit not in ("through", "touch"):
            raise Misuse(f"unknown limit rule {self.limit!r}", remedy="use through or touch")
        row["at_close"] = self.price == "close"
        row["touch"] = self.limit == "touch"
        row["slippage_e12"] = _ratio_e12("slippage_bps", self.slippage_bps, 1_000) // 10_000
        row["impact_e12"] = _ratio_e12("impact_bps", self.impact_bps, 1_000) // 10_000
        row["participation_e12"] = -1 if self.participation is None else _ratio_e12("participation", self.participation, 1)

    def words(self) -> str:
        """Say in a sentence what a fill assumes."""
        when = "at the next bar's open" if self.price == "open" else "at the close they were decided on (nobody can have that)"
        limit = "when the price goes through them" if self.limit == "through" else "when the price touches them"
        volume = "no bound by volume" if self.participation is None else f"at most {self.participation:.0%} of a bar's volume"
        slip = f"slippage {self.slippage_bps:g} bps"
        if self.impact_bps:
            slip += f" and {self.impact_bps:g} bps · √(share of the bar's volume)"
        rest = "or at a better open; stops at their price, or at a worse open"
        return f"market orders {when}; limits {limit}, {rest}; {volume}; {slip}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What stands behind the orders.

    Parameters
    ----------
    leverage : float
        Value held, in all instruments together, may not exceed this multiple of the equity. Default 1.
    margin : {"cross", "isolated"}
        Whether the whole account stands behind a position, or only the margin it was opened with.
    short : bool, optional
        Whether more may be sold than is held. Default: yes for contracts, no for spot.
    borrow_per_day : float
        Ratio of what is borrowed on spot, a day: the value of a short, or what was bought beyond the account's own money.
    maintenance : float
        Ratio of its value that a position must be worth in equity, where no tiers are given; below it the venue liquidates.
    tiers : mapping of str to TIERS record, optional
        Maintenance tiers by symbol, as `b25.market.leverage_tiers` reads them.
    liquidation_fee : float
        Ratio of the value that the venue takes for liquidating, beside the taker's fee.
    """

    leverage: float = 1.0
    margin: str = "cross"
    short: bool | None = None
    borrow_per_day: float = 0.0
    maintenance: float = 0.005
    tiers: Mapping[str, np.ndarray[Any, Any]] | None = None
    liquidation_fee: float = 0.0125

    def write(self, row: np.ndarray[Any, Any], instruments: Sequence[Instrument]) -> None:
        """Write it into a BAR_MODEL record. Raises Misuse for an unknown word or a number out of bounds."""
        if self.margin not in ("cross", "isolated"):
            raise Misuse(f"unknown margin {self.margin!r}", remedy="use cross or isolated")
        if not isinstance(self.leverage, int | float) or not 0 < self.leverage <= LEVERAGE_MAX:
            raise Misuse(f"leverage={self.leverage!r}", remedy=f"give a number above 0, at most {LEVERAGE_MAX:g}")
        short = self.short if self.short is not None else any(is_contract(i) for i in instruments)
        row["leverage"] = self.leverage
        row["isolated"] = self.margin == "isolated"
        row["short"] = CONTRACTS_ONLY if self.short is None else self.short
        row["borrow_day_e12"] = _ratio_e12("borrow_per_day", self.borrow_per_day, 0.1)
        row["liquidation_fee_e8"] = _ratio_e12("liquidation_fee", self.liquidation_fee, 0.1) // 10_000
        row["liquidates"] = short or self.leverage > 1

    def tier_rows(self, instrument: Instrument) -> np.ndarray[Any, Any]:
        """Return the TIERS record of an instrument."""
        if self.tiers is not None and instrument.symbol in self.tiers:
            return np.array(self.tiers[instrument.symbol], TIERS).reshape(1)
        row = np.zeros(1, TIERS)
        row["count"] = 1
        row["notional_max"] = np.inf
        row["mmr"][0, 0] = _ratio_e12("maintenance", self.maintenance, 0.5) / E12
        row["leverage_max"][0, 0] = LEVERAGE_MAX
        return row

    def words(self) -> str:
        """Say in a sentence what the account is."""
        tiers = "tiers as given" if self.tiers is not None else f"maintenance margin {self.maintenance:.2%}"
        borrowed = f"; borrowing on spot {self.borrow_per_day:.4%} a day" if self.borrow_per_day else "; borrowing is free"
        how = {None: "short for contracts only", True: "short allowed", False: "no short"}[self.short]
        return f"leverage {self.leverage:g}, {self.margin} margin, {how}, {tiers}{borrowed}"


def is_contract(instrument: Instrument) -> bool:
    """True for a future or perpetual swap."""
    return ":" in instrument.symbol


def bar_model(fills: BarFills, account: Account, instruments: Sequence[Instrument]) -> np.ndarray[Any, Any]:
    """Return the BAR_MODEL record of both."""
    row = np.zeros(1, BAR_MODEL)
    fills.write(row[0])
    account.write(row[0], instruments)
    return row
