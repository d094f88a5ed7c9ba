"""What a report is made from: the same records of a backtest, of a paper and of a live session, and why a part is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import polars as pl

from b25.analytics.costs import CostReport
from b25.analytics.curve import EquityCurve
from b25.analytics.metric import Metric
from b25.analytics.series import InstrumentTrace
from b25.reports.exact import EXACT

FILLS: Final[dict[str, Any]] = {
    "time_ns": pl.Int64, "strategy": pl.String, "symbol": pl.String, "side": pl.Int8, "price": EXACT, "quantity": EXACT,
    "notional": EXACT, "fee": EXACT, "fee_asset": pl.String, "maker": pl.Boolean, "realised": EXACT, "order": pl.String,
}  # fmt: skip
ORDERS: Final[dict[str, Any]] = {
    "order": pl.String, "strategy": pl.String, "symbol": pl.String, "side": pl.Int8, "quantity": EXACT, "filled": EXACT,
    "price": EXACT, "decided_ns": pl.Int64, "sent_ns": pl.Int64, "acked_ns": pl.Int64, "first_fill_ns": pl.Int64,
    "ended_ns": pl.Int64, "state": pl.String, "reason": pl.String, "arrival_mid": pl.Float64,
}  # fmt: skip
PARTS: Final = ("realised", "unrealised", "fees", "funding", "borrow", "insurance")
SIGNS: Final = {"realised": 1, "unrealised": 1, "fees": -1, "funding": 1, "borrow": -1, "insurance": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profit:
    """What was earned in a span, in parts that add up.

    Attributes
    ----------
    strategy, symbol : str
    realised, unrealised : Decimal or None
        The change within the span; None where no price is known.
    fees, borrow : Decimal
        Positive is a cost.
    funding, insurance : Decimal
        Positive was received.
    """

    strategy: str
    symbol: str
    realised: Decimal | None
    unrealised: Decimal | None
    fees: Decimal
    funding: Decimal
    borrow: Decimal = Decimal(0)
    insurance: Decimal = Decimal(0)

    @property
    def net(self) -> Decimal | None:
        """Their sum; None when a part is not known."""
        if self.realised is None or self.unrealised is None:
            return None
        return self.realised + self.unrealised - self.fees + self.funding - self.borrow + self.insurance


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A position at the end of the span; None is what is not known."""

    strategy: str
    symbol: str
    quantity: Decimal
    entry: Decimal | None
    mark: Decimal | None
    worth: Decimal | None
    unrealised: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """A limit in force, and the most of it that was used; None with a reason where that was not recorded."""

    symbol: str
    name: str
    limit: Decimal
    used: Decimal | None
    unit: str
    reason: str = ""

    @property
    def share(self) -> float | None:
        """Used part of the limit."""
        return None if self.used is None or not self.limit else float(self.used / self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that a person should see: a kill, a latch, a difference, a note, an alert. `state` says how it stands."""

    time_ns: int
    kind: str
    what: str
    text: str = ""
    by: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQuality:
    """What is known of one instrument's data.

    Attributes
    ----------
    counts : mapping of str to int
        Of rows, gaps, repeats, crossings and so on, by name.
    gaps : sequence of (start_ns, end_ns, text)
    findings : sequence of str
        What a reader should know, one sentence each.
    absent : mapping of str to str
        What was not measured, and why.
    delay_ns : tuple of float, optional
        Arrival minus venue time, at p50, p95 and p99: the way here and the difference of two clocks in one.
    """

    symbol: str
    venue: str
    source: str
    hash: str
    start_ns: int
    end_ns: int
    counts: Mapping[str, int]
    gaps: Sequence[tuple[int, int, str]] = ()
    findings: Sequence[str] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    delay_ns: tuple[float, float, float] | None = None
    delay_min_ns: float | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Records:
    """Everything of one span.

    Attributes
    ----------
    name, mode, source : str
        Whose, in which mode (backtest, paper, live, observe), and where it was read.
    currency : str
        Settlement currency.
    start_ns, end_ns : int
        The span, half open.
    as_of_ns : int or None
        Time of the newest record that was read; None when there is none.
    fills, orders : polars.DataFrame
        With the columns `FILLS` and `ORDERS`.
    profits : sequence of Profit
        By strategy and symbol.
    equity_change : Decimal or None
        Of the account within the span, deposits taken out, found another way: what the profits must add up to.
    equity_source : str
        That way, in words.
    held : sequence of Held
    curve, traces, trades, costs, metrics
        For the statistics; None or empty where they cannot be made.
    refused : mapping of str to int
        Intents that the gate refused, by reason.
    limits : sequence of LimitUse
    stops, reconciliations, drift : sequence of Happening
    data : sequence of DataQuality
    absent : mapping of str to str
        Part -> why it is not there. What is in here is not known, which is not "none".
    assumptions, provenance : sequence of (name, text)
    warnings : sequence of str
    parameters : sequence of (name, value, unit)
    """

    name: str
    mode: str
    source: str
    currency: str
    start_ns: int
    end_ns: int
    as_of_ns: int | None
    fills: pl.DataFrame
    orders: pl.DataFrame
    profits: Sequence[Profit] = ()
    equity_change: Decimal | None = None
    equity_source: str = ""
    held: Sequence[Held] = ()
    curve: EquityCurve | None = None
    traces: Sequence[InstrumentTrace] = ()
    trades: pl.DataFrame | None = None
    costs: CostReport | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    limits: Sequence[LimitUse] = ()
    stops: Sequence[Happening] = ()
    reconciliations: Sequence[Happening] = ()
    drift: Sequence[Happening] = ()
    data: Sequence[DataQuality] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    assumptions: Sequence[tuple[str, str]] = ()
    provenance: Sequence[tuple[str, str]] = ()
    parameters: Sequence[tuple[str, str, str]] = ()
    warnings: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """True when nothing was ordered, filled or held."""
        return not self.fills.height and not self.orders.height and not any(one.quantity for one in self.held)

    def part(self, name: str) -> Decimal | None:
        """Sum of one part of the profits; None when it is not known of one of them, or there are none."""
        amounts = [getattr(one, name) for one in self.profits]
        return None if not amounts or any(amount is None for amount in amounts) else sum(amounts, Decimal(0))


def empty(schema: Mapping[str, Any]) -> pl.DataFrame:
    """A table without rows."""
    return pl.DataFrame(schema=dict(schema))
