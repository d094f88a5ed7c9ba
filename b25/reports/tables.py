"""Tables that several reports share: the profit's parts with their proof, positions, fills, orders and latencies."""

from __future__ import annotations

from decimal import Decimal
from html import escape
from typing import Any, Final

import numpy as np
import polars as pl

from b25.analytics.figures import column_texts, duration_text, money_text, percent_text, time_text
from b25.analytics.sheet_tables import minus, table
from b25.reports.exact import total
from b25.reports.page import NA, amount, why
from b25.reports.records import PARTS, SIGNS, Profit, Records

FILLS_SHOWN: Final = 25
ROWS_SHOWN: Final = 40
TOLERANCE: Final = Decimal("1e-9")  # of the turnover: prices of fills are decimals, and an inverse contract's worth has no end
SIDES: Final = {1: "buy", -1: "sell"}


def unexplained(records: Records) -> Decimal | None:
    """What the parts of the profit leave of the account's change; None when one of the two is not known."""
    nets = [one.net for one in records.profits]
    if records.equity_change is None or not nets or any(net is None for net in nets):
        return None
    return records.equity_change - sum((net for net in nets if net is not None), Decimal(0))


def proof(records: Records) -> str:
    """Whether the parts of the profit add up to what the account gained, found another way."""
    left = unexplained(records)
    if left is None:
        reason = records.absent.get("profits") or "a price or a statement is missing"
        return why(f"Whether the parts add up could not be proven: {reason}.")
    bound = TOLERANCE * max(Decimal(1), total(records.fills["notional"]))
    change = money_text(float(records.equity_change or 0), records.currency)
    by = f"By {records.equity_source}, the account changed by {change.replace('-', chr(0x2212))}"
    if abs(left) <= bound:
        return f'<p><span class="ok">The parts add up.</span> {escape(by)}; nothing is left.</p>'
    rest = money_text(float(left), records.currency)
    return f'<p><span class="bad">The parts do not add up.</span> {escape(by)}; {escape(rest)} is not explained.</p>'


def profit_rows(records: Records) -> str:
    """By strategy and instrument: fills, volume, and the parts of the profit, with their sums."""
    shown = [name for name in PARTS if name in ("realised", "unrealised", "fees", "funding") or records.part(name)]
    traded = records.fills.group_by("strategy", "symbol").agg(pl.len().alias("n"), pl.col("notional").sum())
    known = {(row[0], row[1]): (row[2], row[3]) for row in traded.iter_rows()}
    rows = [_profit_row(one, known, shown) for one in records.profits]
    head = ["Strategy", "Instrument", "Fills", f"Volume, {records.currency}", *(name.capitalize() for name in shown), "Net"]
    if len(rows) > 1:
        nets = [one.net for one in records.profits]
        net = None if any(one is None for one in nets) else sum((one for one in nets if one is not None), Decimal(0))
        rows.append(
            ["<b>All</b>", "", f"{records.fills.height:,}", amount(total(records.fills["notional"])),
             *(_signed(records.part(name), name) for name in shown), f"<b>{amount(net)}</b>"]
        )  # fmt: skip
    return table([escape(word) for word in head], rows, right=range(2, len(head)))


def _profit_row(one: Profit, known: dict[tuple[str, str], tuple[int, Decimal]], shown: list[str]) -> list[str]:
    count, volume = known.get((one.strategy, one.symbol), (0, Decimal(0)))
    return [
        escape(one.strategy or "nobody's"), escape(one.symbol), f"{count:,}", amount(volume),
        *(_signed(getattr(one, name), name) for name in shown), amount(one.net),
    ]  # fmt: skip


def _signed(value: Decimal | None, name: str) -> str:
    return NA if value is None else amount(SIGNS[name] * value)


def position_rows(records: Records) -> str:
    """What is held at the end."""
    held = [one for one in records.held if one.quantity]
    if not held:
        return why("Nothing is held at the end of the span.")
    rows = [
        (escape(one.strategy), escape(one.symbol), amount(one.quantity), amount(one.entry, significant=8),
         amount(one.mark, significant=8), amount(one.worth), amount(one.unrealised))
        for one in held
    ]  # fmt: skip
    head = ("Strategy", "Instrument", "Quantity", "Entry", "Mark", f"Worth, {records.currency}", "Unrealised")
    return table([escape(word) for word in head], rows, right=range(2, 7))


def fill_rows(records: Records) -> str:
    """The last fills, and the sums of all."""
    fills = records.fills
    if not fills.height:
        return why("No fill in this span.")
    shown = fills.tail(FILLS_SHOWN)
    figures = {name: _column(shown[name]) for name in ("quantity", "price", "notional", "fee")}
    rows = [
        (
            time_text(row["time_ns"], unit="ms").removesuffix(" UTC"),
            escape(row["strategy"] or "nobody's"),
            escape(row["symbol"]),
            SIDES.get(row["side"], "?"),
            *(figures[name][place] for name in ("quantity", "price", "notional")),
            f"{figures['fee'][place]} {escape(row['fee_asset'] or '')}",
            {True: "maker", False: "taker"}.get(row["maker"], "n/a"),
        )
        for place, row in enumerate(shown.iter_rows(named=True))
    ]
    head = (
        "Time, UTC",
        "Strategy",
        "Instrument",
        "Side",
        "Quantity",
        "Price",
        "Value" if "sums" in records.absent else f"Value, {records.currency}",
        "Fee",
        "",
    )
    worth = "" if "sums" in records.absent else f", {money_text(float(total(fills['notional'])), records.currency)} in all"
    sums = f"{fills.height:,} fills{worth}."
    left = f" The last {shown.height} are shown." if shown.height < fills.height else ""
    return why(sums + left) + table([escape(word) for word in head], rows, right=(4, 5, 6, 7))


def _column(values: pl.Series) -> list[str]:
    """Numbers with the same decimals from top to bottom."""
    texts = column_texts(values.cast(pl.Float64).to_list(), significant=6)
    spare = min((len(text) - len(text.rstrip("0")) for text in texts if "." in text), default=0)
    decimals = max((len(text.partition(".")[2]) for text in texts), default=0)
    cut = min(spare, max(0, decimals - 2))
    return [minus(text[:-cut] if cut and "." in text else text) for text in texts]


def state_rows(records: Records) -> str:
    """What became of the orders, by state and reason."""
    if not records.orders.height:
        return why("No order in this span.")
    counted = records.orders.group_by("state", "reason").agg(pl.len().alias("n")).sort(["n", "state", "reason"], descending=True)
    rows = [
        (
            escape(row["state"]),
            escape(row["reason"].replace("_", " ")),
            f"{row['n']:,}",
            percent_text(row["n"] / records.orders.height),
        )
        for row in counted.head(ROWS_SHOWN).iter_rows(named=True)
    ]
    return table(("State", "Reason", "Orders", "Share"), rows, right=(2, 3))


LATENCIES: Final = (
    ("decision to sent", "decided_ns", "sent_ns"),
    ("sent to acknowledged", "sent_ns", "acked_ns"),
    ("decision to acknowledged", "decided_ns", "acked_ns"),
    ("decision to first fill", "decided_ns", "first_fill_ns"),
)


def latencies(records: Records) -> list[tuple[str, int, tuple[float, float, float] | None]]:
    """Name, how many orders it is known of, and the percentiles 50, 95 and 99 in ns; None of none."""
    found: list[tuple[str, int, tuple[float, float, float] | None]] = []
    for name, since, until in LATENCIES:
        waits = (records.orders[until] - records.orders[since]).drop_nulls().to_numpy()
        waits = waits[waits >= 0]
        quantiles: Any = tuple(np.quantile(waits, (0.5, 0.95, 0.99)).tolist()) if waits.size else None
        found.append((name, int(waits.size), quantiles))
    return found


def latency_rows(records: Records) -> str:
    """Percentiles of the way of an order."""
    rows = []
    known = latencies(records)
    for name, count, waits in [one for one in known if one[1]] or known:
        texts = [duration_text(wait) for wait in waits] if waits is not None else [NA] * 3
        rows.append((escape(name), f"{count:,}", *texts))
    note = records.absent.get("acked_ns")
    shown = table(("From and to", "Orders", "p50", "p95", "p99"), rows, right=range(1, 5))
    return shown + (why(f"Acknowledgements are not known: {note}.") if note else "")
