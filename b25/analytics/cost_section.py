"""The tear sheet's section on costs: from the gross to the net profit step by step, and the orders that cost most."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import polars as pl

from b25.analytics.figures import column_texts, number_text
from b25.analytics.metric import Metric
from b25.analytics.sheet_tables import metric_rows, minus, table

BRIDGE: Final = ("profit_arrival", "slippage", "fees", "funding", "borrow", "insurance", "net_profit", "unexplained")
ORDERS: Final = (
    "slippage_bps", "slippage_delay", "slippage_latency", "slippage_spread", "slippage_impact", "opportunity", "shortfall",
    "shortfall_bps", "maker_share", "fees_maker", "fees_taker", "costs_share",
)  # fmt: skip
MARKET: Final = (
    "markout_1s", "markout_10s", "markout_60s", "markout_1bar", "markout_5bar", "markout_15bar", "turnover", "participation",
    "participation_max", "impact_estimate", "capacity", "capacity_best",
)  # fmt: skip
ORDERS_SHOWN: Final = 12
HEAD: Final = ("Sent, UTC", "Side", "Quantity", "Filled", "Arrival", "Average", "Slippage, bps", "Slippage", "Fees", "Shortfall")


def cost_section(metrics: Mapping[str, Metric], orders: pl.DataFrame, *, currency: str) -> str:
    """Markup of the section; style comes from the sheet, and without one it still reads as plain tables.

    Parameters
    ----------
    metrics : mapping of str to Metric
        As made by `costs.cost_report`.
    orders : polars.DataFrame
        One row an order.
    currency : str
        Settlement currency.
    """
    blocks = [
        ("From gross to net", metric_rows(metrics, shown(metrics, BRIDGE), currency=currency, base="")),
        ("Orders", metric_rows(metrics, shown(metrics, ORDERS), currency=currency, base="")),
        ("Market and capacity", metric_rows(metrics, shown(metrics, MARKET), currency=currency, base="")),
    ]
    columns = "".join(f"<div><h3>{title}</h3>{body}</div>" for title, body in blocks)
    return f'<h2>What trading cost</h2><div class="columns">{columns}</div>{dearest_orders(orders, currency)}'


def shown(metrics: Mapping[str, Metric], names: Sequence[str]) -> list[str]:
    """Names that are there; mark-outs in seconds or in bars, whichever the data has, not both."""
    in_bars = any(metrics[name].value is not None for name in names if name in metrics and name.endswith("bar"))
    other = "s" if in_bars else "bar"
    return [name for name in names if name in metrics and not (name.startswith("markout_") and name.endswith(other))]


def dearest_orders(orders: pl.DataFrame, currency: str) -> str:
    """Table of the orders with the largest shortfall; empty when none was filled."""
    filled = orders.filter(pl.col("filled") > 0) if orders.height else orders
    if not filled.height:
        return ""
    shown = filled.sort(pl.col("shortfall").abs(), descending=True, nulls_last=True).head(ORDERS_SHOWN).sort("sent")
    texts = {
        name: [minus(text) for text in column_texts(shown[name].to_list(), significant=digits)]
        for name, digits in (
            ("arrival", 7), ("average_price", 7), ("slippage_bps", 3), ("slippage", 5), ("fees", 5), ("shortfall", 5),
        )
    }  # fmt: skip
    rows = [
        (
            row["sent"].strftime("%Y-%m-%d %H:%M:%S"),
            {1: "buy", -1: "sell"}.get(row["side"], "forced"),
            number_text(row["quantity"]),
            number_text(row["filled"]),
            *(texts[name][i] for name in texts),
        )
        for i, row in enumerate(shown.iter_rows(named=True))
    ]
    head = [escape(f"{word}, {currency}" if word == "Shortfall" and currency else word) for word in HEAD]
    left = filled.height - shown.height
    note = (
        f'<p class="why">The {shown.height} orders with the largest shortfall; {left:,} more are not shown.</p>' if left else ""
    )
    return f"<h3>Dearest orders</h3>{table(head, rows, right=range(2, len(head)))}{note}"
