"""What a backtest found: numbers, tables, pictures, and a hash that repeats."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from b25.engine.backtest import Outcome
from b25.model.instrument import Instrument
from b25.model.order import Reason, State
from b25.research.dataset import Dataset
from b25.research.result_tables import fills_table, moments, orders_table, parents_table, refusals_table
from b25.research.traces import trace_of
from b25.risk.limits import Limits
from b25.strategy.source_key import behaviour_key
from b25.strategy.strategy import Strategy
from b25.venue.models import Models

if TYPE_CHECKING:
    import polars as pl

    from b25.analytics.candles import Candles
    from b25.analytics.costs import CostReport
    from b25.analytics.curve import EquityCurve
    from b25.analytics.deflated import TrialSummary
    from b25.analytics.metric import Metric
    from b25.analytics.order_metrics import OrderCounts
    from b25.analytics.series import InstrumentTrace
    from b25.research.comparison import Comparison


@dataclass(frozen=True, slots=True)
class Made:
    """How a result was made."""

    cls: type[Strategy]
    datasets: tuple[Dataset, ...]
    models: tuple[Models, ...]
    limits: Limits
    balance: float
    compile_s: float
    run_s: float
    compiled: bool
    why_plain: str
    given: tuple[Any, Any, int | None, bool | None] = (None, None, None, None)  # start, end, period of marks, depth

    @property
    def options(self) -> dict[str, Any]:
        """The keywords that make this run again, parameters left out."""
        start, end, sample_ns, depth = self.given
        first, fills = self.models[0], {one.fills for one in self.models}
        return {
            "fees": first.fees, "latency": first.latency, "queue": first.queue, "limits": self.limits, "balance": self.balance,
            "fills": first.fills if len(fills) == 1 else None, "start": start, "end": end, "sample_ns": sample_ns, "depth": depth,
        }  # fmt: skip


class Backtest:
    """A finished backtest.

    Attributes
    ----------
    summary : dict of str to float or None
        Every metric by name; None where it is n/a, with the reason in `reasons`.
    fills, orders, refusals, equity, trades, notes : polars.DataFrame
        Tables.
    hash : str
        Of the data, the code, the parameters, the models and everything that came out.
    """

    blocks: np.ndarray | None = None  # block sums of the sweep that this is the best point of

    def __init__(self, outcome: Outcome, made: Made) -> None:
        self.outcome, self.made = outcome, made

    # What it was

    @property
    def name(self) -> str:
        """Name of the strategy."""
        return self.made.cls.__name__

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters that the run had."""
        return {name: self.outcome.strategy[name][0].item() for name in self.made.cls.params}

    @property
    def instruments(self) -> list[Instrument]:
        """What was traded, in the order of the strategy's indices."""
        return [d.instrument for d in self.made.datasets]

    @property
    def currency(self) -> str:
        """Settlement currency of the equity."""
        return self.instruments[0].settle

    @cached_property
    def hash(self) -> str:
        """Equal for equal runs, in every process."""
        digest = hashlib.sha256()
        for data, models in zip(self.made.datasets, self.made.models, strict=True):
            digest.update(f"{data.hash}{data.instrument}{models}{self.made.limits}{self.made.balance}".encode())
        digest.update(behaviour_key(self.made.cls).encode())
        digest.update(repr(sorted(self.parameters.items())).encode())
        out = self.outcome
        for rows in (out.fills, out.orders, out.effects, out.marks, out.notes):
            digest.update(rows.tobytes())
        return digest.hexdigest()

    # Tables

    @cached_property
    def fills(self) -> pl.DataFrame:
        """Executions in the order in which the strategy learned of them."""
        return fills_table(self.outcome.fills, self.instruments)

    @cached_property
    def orders(self) -> pl.DataFrame:
        """Every order that passed the gate: what it asked, how it ended, and why."""
        return orders_table(self.outcome.orders, self.instruments)

    @cached_property
    def parents(self) -> pl.DataFrame:
        """Parent orders, the last 64 of them: what was filled, at what average, and what that cost."""
        return parents_table(self.outcome.world, self.instruments)

    @cached_property
    def refusals(self) -> pl.DataFrame:
        """Intents that the gate refused, with the reason."""
        return refusals_table(self.outcome.effects, self.instruments)

    @cached_property
    def equity(self) -> pl.DataFrame:
        """The mark-to-market equity curve that every ratio comes from: time, equity."""
        import polars as pl

        curve = self.curve
        return pl.DataFrame({"time": moments(curve.time_ns), "equity": curve.equity})

    @cached_property
    def trades(self) -> pl.DataFrame:
        """Excursions of the position from flat to flat."""
        from b25.analytics.metrics import trades_of

        return trades_of(self.traces)

    @cached_property
    def notes(self) -> pl.DataFrame:
        """What the strategy noted with `ctx.log(code, value)`."""
        import polars as pl

        rows = self.outcome.notes
        return pl.DataFrame({"time": moments(rows["time_ns"]), "code": rows["code"].copy(), "value": rows["value"].copy()})

    # Series

    @cached_property
    def curve(self) -> EquityCurve:
        """Account value at every mark; point 0 is the starting balance."""
        from b25.analytics.curve import EquityCurve

        marks = self.outcome.marks
        n = len(self.instruments)
        equity = np.full(marks.size // n, self.made.balance)
        for i, instrument in enumerate(self.instruments):
            equity += earned(marks[i::n], instrument)
        times = np.concatenate(([self.outcome.start_ns], marks["time_ns"][::n]))
        return EquityCurve(times, np.concatenate(([self.made.balance], equity)))

    @cached_property
    def traces(self) -> list[InstrumentTrace]:
        """Fills, mids and positions of each instrument."""
        n = len(self.instruments)
        return [trace_of(self.outcome, data, i, n) for i, data in enumerate(self.made.datasets)]

    # Numbers

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """Every metric with its unit, formula and, where it is n/a, the reason."""
        from b25.analytics.metrics import all_metrics

        return all_metrics(
            self.curve, traces=self.traces, trades=self.trades, orders=self.order_counts, funding=self.funding,
            trials=self.trials, blocks=self.blocks,
        )  # fmt: skip

    @cached_property
    def trials(self) -> TrialSummary:
        """How many things were ever tried on this data, this one included: looking at a result counts it."""
        from b25.research.trials import log_run

        return log_run(
            [data.hash for data in self.made.datasets],
            behaviour=behaviour_key(self.made.cls),
            parameters=self.parameters,
            models=self.assumed,
            returns=self.curve.daily().returns,
            what=self.name,
        )

    @property
    def assumed(self) -> str:
        """The models as one text, which tells one trial from another."""
        return repr([(str(m.fees), str(m.latency), m.queue.name, m.fills) for m in self.made.models])

    @cached_property
    def costs(self) -> CostReport:
        """What trading cost, per order and in sum: slippage against the price at the decision, fees, funding, capacity."""
        from b25.research.costs import costs_of

        return costs_of(self)

    @cached_property
    def summary(self) -> dict[str, float | None]:
        """Every metric by name; None where it is n/a."""
        return {name: metric.value for name, metric in self.metrics.items()}

    @property
    def reasons(self) -> dict[str, str]:
        """Why each missing metric is missing."""
        return {name: metric.reason for name, metric in self.metrics.items() if metric.value is None}

    @cached_property
    def order_counts(self) -> OrderCounts:
        """What was asked of the gate and the venue, and what came of it."""
        from b25.analytics.order_metrics import OrderCounts

        head, orders = self.outcome.world.head[0], self.outcome.orders
        refused = Counter(Reason(r).name.lower() for r in self.outcome.effects["reason"].tolist() if r)
        turned_away = orders[
            (orders["state"] == State.REJECTED) | ((orders["state"] == State.EXPIRED) & (orders["filled_lots"] == 0))
        ]
        lots = np.array([float(i.lot) for i in self.instruments])
        return OrderCounts(
            submits=int(head["submits"]),
            cancels=int(head["cancels"]),
            amends=int(head["amends"]),
            refused=dict(refused),
            rejected=dict(Counter(Reason(r).name.lower() for r in turned_away["reason"].tolist())),
            placed_quantity=float((orders["qty_lots"] * lots[orders["instrument"]]).sum()),
            filled_quantity=float((orders["filled_lots"] * lots[orders["instrument"]]).sum()),
        )

    @property
    def funding(self) -> float:
        """Funding received (+) or paid (-), settlement currency."""
        return 0.0

    # Pictures

    @property
    def assumptions(self) -> list[tuple[str, str]]:
        """What the simulated venue assumed, in words."""
        models = self.made.models[0]
        fill = (
            "partial: prints are shared, displayed lots sold once, takers walk the book"
            if models.fills == "partial"
            else "whole or not at all, the hftbacktest profile"
        )
        limits = ", ".join(
            f"{f.name} {v:g}" for f in fields(self.made.limits) if (v := getattr(self.made.limits, f.name)) is not None
        )
        return [
            ("fees", str(models.fees)),
            ("latency", str(models.latency)),
            ("feed", "as recorded" if self.made.datasets[0].feed is None else str(self.made.datasets[0].feed)),
            ("queue", models.queue.name),
            ("fills", fill),
            ("limits", limits or "none"),
            ("starting balance", f"{self.made.balance:g} {self.currency}"),
            ("strategy ran", "compiled" if self.made.compiled else f"as plain Python ({self.made.why_plain})"),
            ("not modelled", "our own impact on others, funding, margin and liquidation, borrowing on spot"),
        ]

    @property
    def provenance(self) -> list[tuple[str, str]]:
        """Data, hashes and times."""
        span = [
            str(np.datetime64(t, "ns").astype("datetime64[ms]")) for t in (self.outcome.start_ns, int(self.curve.time_ns[-1]))
        ]
        data = ", ".join(f"{d.symbol} on {d.venue} ({d.profile})" for d in self.made.datasets)
        return [("data", data), ("from", f"{span[0]} UTC"), ("to", f"{span[1]} UTC"), ("result", self.hash)]

    def explore(self, *, theme: str = "light") -> Any:
        """Draw equity, drawdown and price with fills so that they can be moved and pointed at; a still picture without bokeh."""
        from b25.analytics.interactive import plot_interactive

        candles = next(iter(self.candles.values()), None)
        return plot_interactive(self.curve, self.traces, candles, currency=self.currency, title=self.name, theme=theme)  # type: ignore[arg-type]

    @property
    def warnings(self) -> list[str]:
        """What the reader must know before the figures."""
        return []

    @property
    def candles(self) -> dict[str, Candles]:
        """Bars by instrument, where the run was on bars."""
        return {}

    def plot(self, *, theme: str = "light") -> Any:
        """Draw equity, drawdown, price with fills, and position."""
        from b25.analytics.plots import plot_backtest

        return plot_backtest(self.curve, self.traces, currency=self.currency, title=self.name, theme=theme)  # type: ignore[arg-type]

    def tearsheet(self, path: str | Path) -> Path:
        """Write the tear sheet, one self-contained HTML file, and return where it is."""
        from b25.analytics.tearsheet import write_tearsheet
        from b25.research.sheet import sheet_of

        return write_tearsheet(sheet_of(self), path)

    def record(self, folder: str | Path | None = None) -> Path:
        """Keep every effect and fill in ``<folder>/<hash of the stream>/stream.parquet``, once, and return where it is."""
        from b25.research.run_record import keep

        return keep(self, None if folder is None else Path(folder))

    def _subtitle(self) -> str:
        seconds = (int(self.curve.time_ns[-1]) - self.outcome.start_ns) / 1e9
        symbols = ", ".join(i.symbol for i in self.instruments)
        return f"{symbols} · {self.made.datasets[0].venue} · {seconds / 60:,.1f} min · {self.outcome.rows:,} rows"

    @property
    def _base(self) -> str:
        return self.traces[0].base if len(self.instruments) == 1 else ""

    def __repr__(self) -> str:
        from b25.analytics.display import text_summary

        notes = [("data", self._subtitle()), *self._checks(), *self._small_print(), ("hash", self.hash[:16])]
        return text_summary(self.name, self.metrics, currency=self.currency, base=self._base, notes=notes)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """What a saved notebook keeps beside the display, so that another run can be held against it."""
        from b25.research.run_record import shown_payload

        return shown_payload(self)

    def _repr_html_(self) -> str:
        from b25.analytics.display import html_summary

        return html_summary(
            self.name,
            self.metrics,
            self.curve,
            currency=self.currency,
            subtitle=self._subtitle(),
            base=self._base,
            notes=[*self._notes(), *self._checks(), *self._small_print()],
        )

    def compare(self, other: Backtest) -> Comparison:
        """Hold another result against this one: metrics that differ, and the first record in which they part."""
        from b25.research.comparison import compare

        return compare(self, other)

    def _small_print(self) -> list[tuple[str, str]]:
        from b25.research.cards import small_print

        return small_print(self)

    def _checks(self) -> list[tuple[str, str]]:
        return [("look-ahead", "not checked"), ("warm-up", "not checked")]

    def _notes(self) -> list[tuple[str, str]]:
        models = self.made.models[0]
        return [("fills", models.fills), ("queue", models.queue.name), ("hash", self.hash[:16])]


def earned(marks: np.ndarray, instrument: Instrument) -> np.ndarray:
    """Realised + unrealised - fees + funding - borrow + insurance at each mark, settlement currency; see kernels/ledger.py."""
    record = instrument.record()[0]
    half = marks["mid2_ticks"] / 2.0
    held = marks["position_lots"]
    if instrument.inverse:
        value = np.where(held == 0, 0.0, -held * (float(record["inverse_num"]) / np.where(half > 0, half, 1.0)))
    else:
        value = held * half
    money = marks["realised"] + (value - marks["cost"]) - marks["fees"] - marks["fees_e8"] / 1e8
    money = money + marks["funding"] - marks["borrow"] + marks["insurance"]
    worth: np.ndarray = money * (float(record["money_num"]) / float(record["money_den"]))
    return worth
