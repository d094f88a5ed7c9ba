"""What a backtest on bars found: the same tables, numbers and pictures, on an equity curve with a point at every close."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from b25.engine.backtest import Outcome
from b25.market.bars import Bars
from b25.market.timerange import time_text
from b25.model.instrument import Instrument
from b25.research.result import Backtest, earned
from b25.risk.limits import Limits
from b25.strategy.source_key import behaviour_key
from b25.strategy.strategy import Strategy
from b25.venue.bar_models import Account, BarFills
from b25.venue.models import Fees

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from b25.analytics.candles import Candles
    from b25.analytics.curve import EquityCurve
    from b25.analytics.series import InstrumentTrace
    from b25.research.bias_report import BiasReport


@dataclass(frozen=True, kw_only=True)
class BarMade:
    """How a result on bars was made."""

    cls: type[Strategy]
    datasets: tuple[Bars, ...]
    limits: Limits
    balance: float
    compile_s: float
    run_s: float
    compiled: bool
    why_plain: str
    fills: BarFills
    account: Account
    fees: Fees
    clock_ns: np.ndarray
    steps: tuple[int, int, int]  # the first step that the strategy saw, the first it traded at, and the end
    features: dict[str, str]
    span: tuple[Any, Any, int | None] = (None, None, None)  # start, end and warm-up as they were given

    @property
    def options(self) -> dict[str, Any]:
        """The keywords that make this run again, parameters left out."""
        start, end, warmup = self.span
        return {
            "bar_fills": self.fills,
            "account": self.account,
            "fees": self.fees,
            "limits": self.limits,
            "balance": self.balance,
            "start": start,
            "end": end,
            "warmup": warmup,
        }


class BarBacktest(Backtest):
    """A finished backtest on bars; see `Backtest` for what it offers."""

    made: BarMade  # type: ignore[assignment]

    def __init__(self, outcome: Outcome, made: BarMade) -> None:
        super().__init__(outcome, made)  # type: ignore[arg-type]

    @cached_property
    def hash(self) -> str:
        """Equal for equal runs, in every process."""
        made = self.made
        digest = hashlib.sha256()
        for data in made.datasets:
            digest.update(f"{data.hash}{[larger.timeframe for larger in data.larger]}{data.instrument}".encode())
        digest.update(f"{self.assumed}{made.steps}".encode())
        digest.update(behaviour_key(made.cls).encode())
        digest.update(repr(sorted(self.parameters.items())).encode())
        out = self.outcome
        for rows in (out.fills, out.orders, out.effects, out.marks, out.notes):
            digest.update(rows.tobytes())
        return digest.hexdigest()

    @property
    def instruments(self) -> list[Instrument]:
        """What was traded, in the order of the strategy's indices."""
        return [d.instrument for d in self.made.datasets]

    @cached_property
    def curve(self) -> EquityCurve:
        """Account value at every close and after every fill and payment; point 0 is the starting balance."""
        from b25.analytics.curve import EquityCurve

        _, first, end = self.made.steps
        closes = self.made.clock_ns[first:end]
        events = self.outcome.marks[:: len(self.instruments)]["time_ns"]
        # What happens at the open of the next bar has the time of this close, and comes after it.
        at = np.searchsorted(closes, events, side="left")
        at = np.where((at < closes.size) & (closes[np.minimum(at, closes.size - 1)] == events), at + 1, at)
        equity = np.full(closes.size, self.made.balance)
        marked = np.full(events.size, self.made.balance)
        for i, (data, instrument) in enumerate(zip(self.made.datasets, self.instruments, strict=True)):
            marks = self.outcome.marks[i :: len(self.instruments)]
            marked += earned(marks, instrument)
            if marks.size:
                equity += _earned_at(closes, marks, at, data, instrument)
        order = np.insert(np.arange(closes.size, dtype=np.float64), at, np.repeat(-1.0, at.size))
        times, values = np.empty(order.size, np.int64), np.empty(order.size)
        times[order >= 0], values[order >= 0] = closes, equity
        times[order < 0], values[order < 0] = events, marked
        return EquityCurve(np.concatenate(([self.outcome.start_ns], times)), np.concatenate(([self.made.balance], values)))

    @cached_property
    def traces(self) -> list[InstrumentTrace]:
        """Fills, closes and positions of each instrument."""
        return [self._trace(data, i) for i, data in enumerate(self.made.datasets)]

    def _trace(self, data: Bars, i: int) -> InstrumentTrace:
        from b25.analytics.series import FillSeries, InstrumentTrace, TimeSeries

        instrument, out = data.instrument, self.outcome
        marks = out.marks[i :: len(self.instruments)]
        fills = FillSeries.from_records(out.fills[out.fills["instrument"] == i], instrument, clock="local")
        orders = np.sort(out.orders, order="order_id")
        if fills.order_id is not None and fills.size and orders.size:
            place = np.minimum(np.searchsorted(orders["order_id"], fills.order_id), orders.size - 1)
            known = orders["order_id"][place] == fills.order_id  # a liquidation is an execution without an order of ours
            fills = replace(fills, submit_ns=np.where(known, orders["created_ns"][place], fills.time_ns))
        view = data.view
        seen = (view["close_ns"] > out.start_ns) & (view["close_ns"] <= int(self.made.clock_ns[self.made.steps[2] - 1]))
        first = int(np.argmax(seen)) if seen.any() else 0
        times = np.concatenate(([out.start_ns], view["close_ns"][seen]))
        mids = np.concatenate(([view["open"][first]], view["close"][seen]))
        return InstrumentTrace(
            name=instrument.symbol,
            fills=fills,
            mids=TimeSeries(times, mids),
            quote=instrument.quote,
            base="contracts" if instrument.inverse else instrument.base,
            position=TimeSeries(marks["time_ns"], marks["position_lots"] * float(instrument.lot)),
            resolution_ns=int(data.frame_ns),
        )

    @property
    def funding(self) -> float:
        """Funding received (+) or paid (-), settlement currency."""
        held = self.outcome.world.positions
        return float(sum(int(p["funding"]) * float(i.money_unit) for p, i in zip(held, self.instruments, strict=True)))

    @property
    def candles(self) -> dict[str, Candles]:
        """Bars by instrument."""
        from b25.analytics.candles import Candles

        return {d.symbol: replace(Candles.of(d.view), volume=d.volume) for d in self.made.datasets}

    @property
    def assumed(self) -> str:
        """The models as one text, which tells one trial from another."""
        made = self.made
        return assumed_text(made.fills, made.account, made.fees, made.limits, made.balance, made.span)

    @cached_property
    def bias(self) -> BiasReport:
        """What makes this result better than life, by the cheap checks; `check()` does all of them."""
        from b25.research.bias import check_result

        return check_result(self, **self.made.options)

    def check(self, progress: Callable[[str], None] | None = None) -> BiasReport:
        """Look for bias with the whole of the checks: many more runs than `bias` makes, and one as plain Python."""
        from b25.research.bias import check

        given = self.made.options | self.parameters
        return check(self.made.cls, list(self.made.datasets), result=self, progress=progress, **given)

    def stress(self) -> pl.DataFrame:
        """Run it again with fees and slippage that are worse, and without the friendliest assumptions: what is left of it."""
        from b25.research.stress import stressed

        return stressed(self)

    @property
    def warnings(self) -> list[str]:
        """What the reader must know before the figures."""
        return [f"{finding.what}: {finding.sentence}" for finding in self.bias.grave]

    @property
    def assumptions(self) -> list[tuple[str, str]]:
        """What the simulated venue assumed, in words."""
        made = self.made
        limits = ", ".join(f"{f.name} {v:g}" for f in fields(made.limits) if (v := getattr(made.limits, f.name)) is not None)
        found = [
            ("fills", made.fills.words()),
            ("inside a bar", "the price goes against the holder first; a stop comes before a target"),
            ("account", made.account.words()),
            ("fees", str(made.fees)),
            ("funding", f"{sum(d.funding.size for d in made.datasets):,} payments in the data"),
            ("limits", limits or "none"),
            ("starting balance", f"{made.balance:g} {self.currency}"),
            ("strategy ran", "compiled" if made.compiled else f"as plain Python ({made.why_plain})"),
            ("not modelled", "our own impact beyond the slippage above, latency, queues, the order of prices inside a bar"),
        ]
        if made.features:
            found.insert(3, ("features", "; ".join(f"{name} = {text}" for name, text in made.features.items())))
        return found

    @property
    def provenance(self) -> list[tuple[str, str]]:
        """Data, hashes and times: the first and last bar that was traded on, and how many before them warmed the strategy up."""
        seen, first, end = self.made.steps
        data = ", ".join(
            f"{d.symbol} on {d.venue} ({', '.join(b.timeframe for b in (d, *d.larger))})" for d in self.made.datasets
        )
        gaps = [f"{d.symbol} {gap}" for d in self.made.datasets for gap in d.gaps[:3]]
        more = sum(len(d.gaps) for d in self.made.datasets) - len(gaps)
        found = [
            ("data", data),
            ("from", f"{time_text(self.outcome.start_ns)} UTC"),
            ("to", f"{time_text(int(self.made.clock_ns[end - 1]))} UTC"),
            ("bars", f"{end - first:,} traded on, {first - seen:,} before them to warm up"),
        ]
        if gaps:
            found.append(("gaps", "; ".join(gaps) + (f"; {more} more" if more > 0 else "")))
        return [*found, ("result", self.hash)]

    def _subtitle(self) -> str:
        _, first, end = self.made.steps
        symbols = ", ".join(i.symbol for i in self.instruments)
        frames = ", ".join(b.timeframe for b in (self.made.datasets[0], *self.made.datasets[0].larger))
        days = (int(self.made.clock_ns[end - 1]) - self.outcome.start_ns) / 86_400e9
        return f"{symbols} · {self.made.datasets[0].venue} · {frames} · {days:,.1f} days · {end - first:,} bars"

    def _checks(self) -> list[tuple[str, str]]:
        if not self.made.compiled:
            return [("bias", "not looked for in a plain-Python run: see .bias")]
        found = self.bias.findings
        said = (
            f"{len(found)} finding{'s' if len(found) > 1 else ''}: {found[0].sentence}"
            if found
            else "none found by the cheap checks"
        )
        return [("bias", said)]

    def _notes(self) -> list[tuple[str, str]]:
        return [("fills", f"at the {self.made.fills.price}"), ("account", self.made.account.words()), ("hash", self.hash[:16])]


def assumed_text(
    fills: BarFills, account: Account, fees: Fees, limits: Limits, balance: float, span: tuple[Any, Any, int | None]
) -> str:
    """All that a run on bars assumes beside data, code and parameters, as one text."""
    tiers = [(symbol, hashlib.sha256(row.tobytes()).hexdigest()) for symbol, row in sorted((account.tiers or {}).items())]
    return repr((fills, replace(account, tiers=None), tiers, fees, limits, balance, span))


def _earned_at(closes: np.ndarray, marks: np.ndarray, at: np.ndarray, data: Bars, instrument: Instrument) -> np.ndarray:
    """What an instrument had earned at each close, settlement currency: its ledger then, at its last close."""
    rows = data.rows
    if rows.size >= closes.size and np.array_equal(rows["close_ns"][-closes.size :], closes):
        prices = rows["close_ticks"][-closes.size :].astype(np.float64)
    else:
        last = np.searchsorted(rows["close_ns"], closes, side="right") - 1
        prices = rows["close_ticks"][np.maximum(last, 0)].astype(np.float64)
    # Each mark holds from the first close after it to the next mark's; before the first nothing was earned.
    held_for = np.diff(np.append(at, closes.size))
    first = int(at[0])
    record = instrument.record()[0]
    money = marks["realised"] - marks["cost"] - marks["fees"] - marks["fees_e8"] / 1e8
    money = money + marks["funding"] - marks["borrow"] + marks["insurance"]
    held = np.repeat(marks["position_lots"].astype(np.float64), held_for)
    value = np.repeat(money, held_for)
    if instrument.inverse:
        value -= held * (float(record["inverse_num"]) / prices[first:])
    else:
        value += held * prices[first:]
    value *= float(record["money_num"]) / float(record["money_den"])
    return np.concatenate((np.zeros(first), value))
