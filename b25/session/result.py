"""A session's result: the same tables, numbers and pictures as a backtest's, from its journal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from b25.engine.records import MARK
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS
from b25.model.fill import FILL
from b25.research.result import Backtest, earned
from b25.session.history import History, history_of
from b25.strategy.strategy import Strategy

if TYPE_CHECKING:
    import polars as pl

    from b25.analytics.costs import CostReport
    from b25.analytics.curve import EquityCurve
    from b25.analytics.metric import Metric
    from b25.analytics.series import InstrumentTrace
    from b25.model.instrument import Instrument

DAY_NS: Final = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class SessionMade:
    """How a session's result was made."""

    cls: type[Strategy]
    path: Path
    history: History
    balance: float


class SessionResult(Backtest):
    """What a session did; see `Backtest` for what it offers. Its fills are the venue's own.

    Parameters
    ----------
    path : Path
        Of the journal.
    cls : type of Strategy
        The class that the session ran.
    """

    made: SessionMade  # type: ignore[assignment]

    def __init__(self, path: Path, cls: type[Strategy]) -> None:
        history = history_of(path, cls)
        super().__init__(history.outcome, SessionMade(cls, path, history, history.composition.balance))  # type: ignore[arg-type]

    @property
    def instruments(self) -> list[Instrument]:
        """What was traded, in the order of the strategy's indices."""
        return list(self.made.history.composition.instruments)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the journal."""
        import hashlib

        with self.made.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def curve(self) -> EquityCurve:
        """Account value at every mark. What the session began with counts at its worth then: only what it earned itself shows."""
        from b25.analytics.curve import EquityCurve

        out, n = self.outcome, len(self.instruments)
        equity = np.full(out.marks.size // n, self.made.balance)
        for i, instrument in enumerate(self.instruments):
            marks, began = out.marks[i::n].copy(), self._began_with(i)
            # What is held before the first mid is worth something, though nobody has said what.
            marks["mid2_ticks"] = np.where(marks["mid2_ticks"] > 0, marks["mid2_ticks"], self._first_mid2(i))
            equity += earned(marks, instrument)
            if began is not None:
                equity -= earned(began, instrument)
        times = np.concatenate(([out.start_ns], out.marks["time_ns"][::n]))
        return EquityCurve(times, np.concatenate(([self.made.balance], equity)))

    def _first_mid2(self, i: int) -> int:
        rows = self.made.history.touches[i]
        known = rows[(rows["bid_ticks"] != NO_BID_TICKS) & (rows["ask_ticks"] != NO_ASK_TICKS)]
        return int(known["bid_ticks"][0] + known["ask_ticks"][0]) if known.size else 0

    def _began_with(self, i: int) -> np.ndarray[Any, Any] | None:
        """The opening position as a mark at the first mid that the session saw; None for a session that began flat and anew."""
        opening = self.made.history.composition.opening
        if opening is None:
            return None
        mark = np.zeros(1, MARK)
        mark["mid2_ticks"] = self._first_mid2(i)
        for name in ("position_lots", "cost", "realised", "fees", "fees_e8", "funding", "borrow", "insurance"):
            mark[name] = opening[i][name]
        return mark

    @cached_property
    def trades(self) -> pl.DataFrame:
        """Excursions of the position from flat to flat; what it began with was entered at the first mid, free of fees."""
        from b25.analytics.metrics import trades_of

        return trades_of([self._with_entry(i, trace) for i, trace in enumerate(self.traces)])

    def _with_entry(self, i: int, trace: InstrumentTrace) -> InstrumentTrace:
        from b25.analytics.series import FillSeries

        began = self._began_with(i)
        lots = 0 if began is None else int(began["position_lots"][0])
        if began is None or not lots:
            return trace
        row = np.zeros(1, FILL)
        row["venue_ns"] = row["local_ns"] = self.outcome.start_ns
        row["instrument"], row["side"], row["qty_lots"] = i, 1 if lots > 0 else -1, abs(lots)
        row["position_lots"], row["mid2_ticks"] = lots, began["mid2_ticks"]
        row["price_ticks"] = (int(began["mid2_ticks"][0]) + 1) // 2
        own = self.outcome.fills[self.outcome.fills["instrument"] == i]
        fills = FillSeries.from_records(np.concatenate([row, own]).astype(FILL), self.instruments[i], clock="local")
        return replace(trace, fills=fills)

    @cached_property
    def traces(self) -> list[InstrumentTrace]:
        """Fills, mids and positions of each instrument."""
        return [self._trace(i) for i in range(len(self.instruments))]

    def _trace(self, i: int) -> InstrumentTrace:
        from b25.analytics.series import FillSeries, InstrumentTrace, TimeSeries

        instrument, out = self.instruments[i], self.outcome
        marks = out.marks[i :: len(self.instruments)]
        fills = FillSeries.from_records(out.fills[out.fills["instrument"] == i], instrument, clock="local")
        orders = np.sort(out.orders, order="order_id")
        if fills.order_id is not None and fills.size and orders.size:
            place = np.minimum(np.searchsorted(orders["order_id"], fills.order_id), orders.size - 1)
            known = orders["order_id"][place] == fills.order_id
            fills = replace(fills, submit_ns=np.where(known, orders["created_ns"][place], fills.time_ns))
        rows = self.made.history.touches[i]
        known = (rows["bid_ticks"] != NO_BID_TICKS) & (rows["ask_ticks"] != NO_ASK_TICKS)
        mids = (rows["bid_ticks"] + rows["ask_ticks"])[known] * (float(instrument.tick) / 2)
        return InstrumentTrace(
            name=instrument.symbol,
            fills=fills,
            mids=TimeSeries(rows["local_ns"][known], mids),
            quote=instrument.quote,
            base="contracts" if instrument.inverse else instrument.base,
            position=TimeSeries(marks["time_ns"], marks["position_lots"] * float(instrument.lot)),
        )

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """Every metric with its unit, formula and, where it is n/a, the reason. What happened counts as no trial."""
        from b25.analytics.metrics import all_metrics

        return all_metrics(self.curve, traces=self.traces, trades=self.trades, orders=self.order_counts, funding=self.funding)

    @cached_property
    def costs(self) -> CostReport:
        """What trading cost, per order and in sum, against the market as the session saw it."""
        from b25.analytics.costs import cost_report

        traded = [self._traded(i) for i in range(len(self.instruments))]
        return cost_report(traded, curve=self.curve, currency=self.currency, funding=self.funding)

    def _traded(self, i: int) -> Any:
        from b25.analytics.slippage import OrderSeries, Touch, Traded

        out, instrument = self.outcome, self.instruments[i]
        orders = np.sort(out.orders[out.orders["instrument"] == i], order="order_id")
        fills = out.fills[out.fills["instrument"] == i]
        rows, tick = self.made.history.touches[i], float(instrument.tick)
        bid = np.where(rows["bid_ticks"] != NO_BID_TICKS, rows["bid_ticks"] * tick, np.nan)
        ask = np.where(rows["ask_ticks"] != NO_ASK_TICKS, rows["ask_ticks"] * tick, np.nan)
        span_ns = out.end_ns - out.start_ns
        lots = int(self.made.history.traded_lots[i])
        return Traded(
            trace=self.traces[i],
            orders=OrderSeries.from_records(orders, instrument, end_ns=int(self.curve.time_ns[-1])),
            happened_ns=fills["venue_ns"][np.argsort(fills["local_ns"], kind="stable")],
            touch=Touch(rows["exch_ns"].astype(np.int64), bid, ask),
            volume_day=lots * float(instrument.lot) * DAY_NS / span_ns if lots and span_ns > 0 else None,
        )

    @property
    def funding(self) -> float:
        """Funding received (+) or paid (-), settlement currency."""
        held, opening = self.outcome.world.positions, self.made.history.composition.opening
        paid = held["funding"] - (0 if opening is None else opening["funding"])
        return float(sum(int(amount) * float(i.money_unit) for amount, i in zip(paid, self.instruments, strict=True)))

    @property
    def assumed(self) -> str:
        """Nothing: it happened."""
        return "session"

    @property
    def assumptions(self) -> list[tuple[str, str]]:
        """What the figures rest on, in words."""
        header = self.made.history.header
        where = {
            "live": "the venue's own fills and fees",
            "paper": "b25's matching engine, mirroring the live market",
            "observe": "nothing was sent",
        }
        return [
            ("mode", str(header["mode"])),
            ("fills", where.get(header["mode"], str(header["mode"]))),
            ("marked at", "the last mid that the session saw, every second and at every fill"),
            ("starting balance", f"{self.made.balance:g} {self.currency}"),
            *self._opening_words(),
            (
                "strategy ran",
                "as plain Python" if header["strategy"]["compiled"] is False else "compiled where the class allows it",
            ),
        ]

    def _opening_words(self) -> list[tuple[str, str]]:
        held = [(self._began_with(i), one) for i, one in enumerate(self.instruments)]
        words = [f"{one.quantity(int(began['position_lots'][0]))} {one.symbol}" for began, one in held if began is not None]
        return [("began with", f"{', '.join(words)}, at the first mid")] if words else []

    @property
    def provenance(self) -> list[tuple[str, str]]:
        """Session, times and hash."""
        header, out = self.made.history.header, self.outcome
        first, last = (str(np.datetime64(t, "ns").astype("datetime64[ms]")) for t in (out.start_ns, out.end_ns))
        data = ", ".join(f"{one.symbol} on {one.venue}" for one in self.instruments)
        found = [("session", str(header["session"])), ("data", data), ("from", f"{first} UTC"), ("to", f"{last} UTC")]
        return [*found, ("code", str(header["strategy"]["behaviour"])), ("journal", self.hash)]

    @property
    def warnings(self) -> list[str]:
        """What the reader must know before the figures."""
        halt = self.made.history.halt
        return [f"the session halted: {halt}"] if halt else []

    def _subtitle(self) -> str:
        header, out = self.made.history.header, self.outcome
        symbols = ", ".join(one.symbol for one in self.instruments)
        minutes = (out.end_ns - out.start_ns) / 60e9
        return f"session {header['session']} · {header['mode']} · {symbols} · {header['venue']} · {minutes:,.1f} min"

    def _notes(self) -> list[tuple[str, str]]:
        return [("mode", str(self.made.history.header["mode"])), ("journal", self.hash[:16])]

    def _checks(self) -> list[tuple[str, str]]:
        return []  # it happened: there is nothing that it could have looked ahead to

    def _small_print(self) -> list[tuple[str, str]]:
        from b25.research.cards import costs_text

        return [("costs", costs_text(self))]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {}  # no other run of a notebook makes these records: it is the journal that is kept
