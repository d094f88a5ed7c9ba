"""Returns by year and month as a table whose colours can be read at a glance; short spans by day."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from b25.analytics.curve import EquityCurve
from b25.analytics.figures import percent_text
from b25.analytics.frame import unavailable
from b25.analytics.metric import FloatArray
from b25.analytics.palette import Theme, blend
from b25.analytics.picture import Picture, canvas, explained
from b25.analytics.sheet_tables import minus

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTHS_BY_DAY: Final = 2  # a curve within so many calendar months is shown by day
TINT_MIN, TINT_MAX = 0.06, 0.62  # the words of a cell stay readable on the darker end, in both themes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ReturnCalendar:
    """Returns of calendar periods, which compound to the total return of the curve.

    Parameters
    ----------
    by : {"month", "day"}
        What a cell stands for.
    rows, columns : tuple of str
        Years and months, or months and days; days before the first and after the last one are left out.
    values : ndarray of float64, shape (rows, columns)
        Return of each period; NaN where it is undefined or the curve does not reach.
    covered : ndarray of bool, shape (rows, columns)
        Where the curve reaches; a period at its ends may be covered in part.
    totals : ndarray of float64, shape (rows,)
        Compounded return of each row.
    """

    by: Literal["month", "day"]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: FloatArray
    covered: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
    totals: FloatArray


def return_calendar(curve: EquityCurve) -> ReturnCalendar:
    """Daily returns compounded by month, or by day where the curve lies within two calendar months.

    Parameters
    ----------
    curve : EquityCurve
        Account value over time; deposits and withdrawals are taken out.

    Returns
    -------
    ReturnCalendar
        Without rows for a curve of one moment. Days are those of UTC; a return belongs to the day in which it arose.
    """
    daily = curve.daily()
    days = daily.time_ns[:-1].astype("datetime64[ns]").astype("datetime64[D]")
    month = days.astype("datetime64[M]").astype(np.int64)
    by: Literal["month", "day"] = "day" if days.size and month[-1] - month[0] < MONTHS_BY_DAY else "month"
    if by == "day":
        row, column = month, (days - days.astype("datetime64[M]")).astype(np.int64)
        columns = tuple(str(day) for day in range(1, 32))
    else:
        row, column = month // 12, month % 12
        columns = MONTHS
    first = int(row[0]) if row.size else 0
    count = int(row[-1]) - first + 1 if row.size else 0
    growth = np.ones((count, len(columns)))
    covered = np.zeros((count, len(columns)), np.bool_)
    np.multiply.at(growth, (row - first, column), 1.0 + daily.returns)
    covered[row - first, column] = True
    # The days of one or two months rarely begin with the first: empty columns at both ends are left out.
    filled = np.flatnonzero(covered.any(axis=0)) if by == "day" else np.arange(len(columns))
    kept = slice(int(filled[0]), int(filled[-1]) + 1)
    columns, growth, covered = columns[kept], growth[:, kept], covered[:, kept]
    unit = "M" if by == "day" else "Y"
    return ReturnCalendar(
        by=by,
        rows=tuple((first + np.arange(count)).astype(f"datetime64[{unit}]").astype(str).tolist()),
        columns=columns,
        values=np.where(covered, growth - 1.0, np.nan),
        covered=covered,
        totals=np.prod(growth, axis=1) - 1.0,
    )


def tint(values: FloatArray, largest: float) -> FloatArray:
    """Strength of the colour of each value, 0 where there is none."""
    share = np.abs(np.nan_to_num(values)) / largest if largest > 0 else np.zeros(values.shape)
    out: FloatArray = np.where(share > 0, TINT_MIN + (TINT_MAX - TINT_MIN) * share, 0.0)
    return out


def _largest(values: FloatArray) -> float:
    known = np.abs(values[np.isfinite(values)])
    return float(known.max(initial=0.0))


def _cell_text(value: float, covered: bool, decimals: int) -> str:
    if not covered:
        return ""
    if not np.isfinite(value):
        return "n/a"
    text = f"{100 * value:.{decimals}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")


def _decimals(calendar: ReturnCalendar) -> int:
    largest = _largest(calendar.values)
    # Thirty-one days must fit beside each other.
    return 1 if largest >= (0.01 if calendar.by == "day" else 0.1) else 2 if largest >= 0.001 else 3


def _title(calendar: ReturnCalendar, curve: EquityCurve) -> str:
    total = float(np.prod(1.0 + calendar.totals) - 1.0)
    known = f", {percent_text(total).replace('-', '−')} in all" if np.isfinite(total) else ""
    return f"Returns by {calendar.by}{known}"


NOTHING: Final = "the curve is a single moment; a return needs two"


def plot_monthly(curve: EquityCurve, *, title: str = "", theme: Theme = "light") -> Picture:
    """Returns by year and month with the year's total; by day where the curve lies within two calendar months.

    Parameters
    ----------
    curve : EquityCurve
        Account value over time.
    title : str
        Above the picture.
    theme : {"light", "dark"}
        Which colours.
    """
    calendar = return_calendar(curve)
    if not calendar.rows:
        return explained(title or "Returns by month", NOTHING, theme=theme)
    with canvas(10.0, 0.95 + 0.31 * len(calendar.rows), theme) as (figure, palette):
        axes = figure.subplots()
        shades = {True: palette.equity, False: palette.drawdown}
        grids = ((calendar.values, 0.0), (calendar.totals[:, None], len(calendar.columns) + 0.35))
        for grid, left in grids:
            covered = calendar.covered if left == 0 else np.ones(grid.shape, np.bool_)
            strength = tint(grid, _largest(grid))
            for (i, j), value in np.ndenumerate(grid):
                if covered[i, j]:
                    colour = blend(shades[bool(value > 0)], palette.paper, float(strength[i, j]))
                    _cell(
                        axes, left + j, i, _cell_text(value, True, _decimals(calendar)), colour, left > 0, calendar, palette.ink
                    )
        names = [*calendar.columns, "Year" if calendar.by == "month" else "Month"]
        places = [*np.arange(len(calendar.columns)) + 0.5, len(calendar.columns) + 0.35 + _total_width(calendar) / 2]
        axes.set_xlim(0, len(calendar.columns) + 0.35 + _total_width(calendar))
        axes.set_ylim(len(calendar.rows), 0)
        axes.set_xticks(places, names)
        axes.set_yticks(np.arange(len(calendar.rows)) + 0.5, calendar.rows)
        axes.tick_params(top=False, bottom=False, labeltop=True, labelbottom=False)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_title(title or _title(calendar, curve), loc="left", fontsize=10, fontweight="bold", pad=7, parse_math=False)
        axes.set_title("%, UTC", loc="right", fontsize=8.5, color=palette.muted, pad=7)
        return Picture(figure)


def _total_width(calendar: ReturnCalendar) -> float:
    return 1.25 if calendar.by == "month" else 2.4


def _cell(axes: Axes, x: float, y: float, text: str, colour: str, total: bool, calendar: ReturnCalendar, ink: str) -> None:
    from matplotlib.patches import Rectangle

    width = _total_width(calendar) if total else 1.0
    axes.add_patch(Rectangle((x + 0.02, y + 0.04), width - 0.04, 0.92, facecolor=colour, linewidth=0))
    size = 8.5 if calendar.by == "month" else 6.2 if not total else 8.0
    weight = "bold" if total else "normal"
    axes.text(x + width / 2, y + 0.52, text, ha="center", va="center", fontsize=size, color=ink, fontweight=weight)


def monthly_table(curve: EquityCurve) -> str:
    """The same as a table of the tear sheet: words that can be copied, colours from its style sheet."""
    calendar = return_calendar(curve)
    if not calendar.rows:
        return unavailable("Returns by month", NOTHING)
    decimals = _decimals(calendar)
    strength, of_total = tint(calendar.values, _largest(calendar.values)), tint(calendar.totals, _largest(calendar.totals))
    head = "".join(f"<th>{name}</th>" for name in ("", *calendar.columns, "Year" if calendar.by == "month" else "Month"))
    rows = []
    for i, name in enumerate(calendar.rows):
        cells = [f"<th>{name}</th>"]
        for j in range(len(calendar.columns)):
            value, covered = float(calendar.values[i, j]), bool(calendar.covered[i, j])
            cells.append(_td(value, _cell_text(value, covered, decimals), float(strength[i, j])))
        cells.append(_td(float(calendar.totals[i]), _cell_text(float(calendar.totals[i]), True, decimals), float(of_total[i])))
        rows.append(f"<tr>{''.join(cells)}</tr>")
    caption = f"<caption>{escape(_title(calendar, curve))}<span>%, UTC</span></caption>"
    table = (
        f'<table class="calendar {calendar.by}s">{caption}<thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )
    return f'<div class="scroll">{table}</div>'


def _td(value: float, text: str, strength: float) -> str:
    if not text:
        return "<td></td>"
    css = "gain" if value > 0 else "loss"
    return f'<td class="{css}" style="--s:{100 * strength:.0f}%">{minus(text)}</td>'
