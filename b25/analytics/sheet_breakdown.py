"""Where the trades' profit arose: by instrument, side, month, weekday and hour, as tables of the tear sheet."""

from collections.abc import Mapping
from datetime import date, datetime
from html import escape
from typing import Final

import polars as pl

from b25.analytics.breakdowns import By, breakdown
from b25.analytics.figures import NOT_AVAILABLE, column_texts, percent_text
from b25.analytics.sheet_tables import minus, table

ROWS_SHOWN: Final = 48
DAYS_SHOWN: Final = 62  # trades within so many days are broken down by day
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TITLES: Final[Mapping[By, str]] = {
    "instrument": "By instrument", "side": "By side", "day": "By day of exit", "month": "By month of exit",
    "weekday": "By weekday of exit", "hour": "By hour of exit, UTC",
}  # fmt: skip


def usual_breakdowns(trades: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Breakdowns that a reader looks for, by title; without those that have one row only.

    Parameters
    ----------
    trades : polars.DataFrame
        As made by `metrics.trades_of`.
    """
    closed = trades.filter(~pl.col("is_open"))
    if not closed.height:
        return {}
    first, last = closed["exit_time"].min(), closed["exit_time"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    over_time: By = "day" if (last - first).days < DAYS_SHOWN else "month"
    kinds: tuple[By, ...] = ("instrument", "side", over_time, "weekday", "hour")
    found = {}
    for by in kinds:
        frame = breakdown(trades, by=by)
        if by == "weekday":
            names = pl.col(by).replace_strict(range(1, 8), WEEKDAYS, return_dtype=pl.String)
            frame = frame.with_columns(names.alias(by))
        if by == "month":
            frame = frame.with_columns(pl.col(by).dt.strftime("%Y-%m"))
        if frame.height > 1:
            found[TITLES[by]] = frame
    return found


def frame_table(frame: pl.DataFrame) -> str:
    """Any frame as a table: numbers aligned, null as n/a, everything escaped; a long one is cut, and says so."""
    if not frame.height:
        return '<p class="why">There is no row.</p>'
    shown = frame.head(ROWS_SHOWN)
    columns = [_texts(shown[name], plain=not i) for i, name in enumerate(shown.columns)]
    right = [i for i, kind in enumerate(shown.dtypes) if kind.is_numeric() and i]
    head = [escape(name.replace("_", " ").capitalize()) for name in shown.columns]
    left_out = frame.height - shown.height
    note = f'<p class="why">{left_out:,} more rows are not shown.</p>' if left_out else ""
    return table(head, list(zip(*columns, strict=True)), right=right) + note


def _texts(column: pl.Series, *, plain: bool) -> list[str]:
    """Cells of a column; whole numbers of a `plain` one are names, such as a year."""
    if column.dtype.is_float():
        known = [None if value is None or value in (float("inf"), -float("inf")) else value for value in column.fill_nan(None)]
        if "ratio" in column.name or "return" in column.name:
            return [minus(NOT_AVAILABLE if value is None else percent_text(value)) for value in known]
        return [minus(text) for text in column_texts(known, significant=5)]
    if column.dtype.is_integer():
        return [
            NOT_AVAILABLE if value is None else minus(f"{value:,}" if not plain else str(value)) for value in column.to_list()
        ]
    return [NOT_AVAILABLE if value is None else escape(_word(value)) for value in column.to_list()]


def _word(value: object) -> str:
    if isinstance(value, datetime):
        at_midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.strftime("%Y-%m-%d" if at_midnight else "%Y-%m-%d %H:%M:%S")
    return value.isoformat() if isinstance(value, date) else str(value)


def breakdown_section(frames: Mapping[str, pl.DataFrame]) -> str:
    """All breakdowns, each under its title."""
    blocks = [f"<div><h3>{escape(title)}</h3>{frame_table(frame)}</div>" for title, frame in frames.items()]
    return f"<h2>Breakdowns</h2>{''.join(blocks)}" if blocks else ""
