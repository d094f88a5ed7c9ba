"""Features: polars expressions over bars, computed at once or from the last rows alone, and the proof that both agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from b25.model.errors import Misuse

if TYPE_CHECKING:
    import polars as pl

FloatArray = npt.NDArray[np.float64]
Fault = Literal["look-ahead", "warm-up", "not repeatable"]

COLUMNS: Final = ("date", "open", "high", "low", "close", "volume", "buy_volume")
# Sums that polars rolls along a column keep the rounding of rows long gone; that is no look-ahead.
TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a feature.

    Attributes
    ----------
    field : str
        Name of the feature.
    fault : {"look-ahead", "warm-up", "not repeatable"}
        The value changes when later rows are cut off; when earlier rows than its lookback are; from one evaluation to the next.
    row : int
        First row that shows it, among those that were looked at.
    whole, cut : float
        Value from all rows, and from fewer; NaN means unknown.
    needs : int or None
        For warm-up: the smallest lookback with which the rows looked at agree; None when that is over half of all rows.
    message : str
        The same as a sentence, with the remedy.
    """

    field: str
    fault: Fault
    row: int
    whole: float
    cut: float
    needs: int | None
    message: str

    def __str__(self) -> str:
        return self.message


def frame_of(bars: Any) -> pl.DataFrame:
    """Return the columns that an expression may name: those of COLUMNS, and per larger timeframe ``close_1h`` and so on.

    A larger bar stands in the rows that close when it is complete, or later. A data frame is passed through.
    """
    import polars as pl

    if isinstance(bars, pl.DataFrame):
        return bars
    frame: pl.DataFrame = bars.frame
    if "buy_volume" not in frame.columns:
        frame = frame.with_columns(pl.Series("buy_volume", np.array(bars.view["buy_volume"])))
    closes = bars.rows["close_ns"]
    for larger in getattr(bars, "larger", ()):
        # The last one that is complete when the row closes; -1 before the first.
        at = np.searchsorted(larger.rows["close_ns"], closes, side="right") - 1
        seen = larger.view
        for name in ("open", "high", "low", "close"):
            values = np.where(at < 0, np.nan, seen[name][np.maximum(at, 0)]) if len(seen) else np.full(closes.size, np.nan)
            frame = frame.with_columns(pl.Series(f"{name}_{larger.timeframe}", values).fill_nan(None))
        volume = np.where(at < 0, np.nan, larger.volume[np.maximum(at, 0)]) if len(seen) else np.full(closes.size, np.nan)
        frame = frame.with_columns(pl.Series(f"volume_{larger.timeframe}", volume).fill_nan(None))
    return frame


def evaluate(exprs: Mapping[str, Any], bars: Any) -> FloatArray:
    """Compute features over all bars at once.

    Parameters
    ----------
    exprs : mapping of str to polars.Expr or Feature
        By the field's name.
    bars : Bars or polars.DataFrame
        See `frame_of`.

    Returns
    -------
    ndarray of float64, shape (n, features)
        Columns in the mapping's order; NaN where the expression gives null or NaN.

    Raises
    ------
    Misuse
        Naming the field, when an expression cannot be computed, gives text, a time or something else that is no number,
        another number of rows, or an infinity.
    """
    frame = frame_of(bars)
    out = np.empty((frame.height, len(exprs)))
    for j, (name, given) in enumerate(exprs.items()):
        out[:, j] = _column(name, getattr(given, "expr", given), frame)
    return out


def tail_equals_batch(
    exprs: Mapping[str, Any], bars: Any, lookback: int | Mapping[str, int] | None = None, *, sample: int = 20
) -> list[Finding]:
    """Find features whose value in a live session would differ from the one in a backtest.

    At some rows, evenly spread, everything after the row is cut off: a value that changes has looked ahead (``shift(-1)``, a
    mean over the whole sample). Then everything but the last `lookback` rows is cut off: a value that changes needs more.

    Parameters
    ----------
    exprs : mapping of str to polars.Expr or Feature
        By the field's name.
    bars : Bars or polars.DataFrame
        See `frame_of`.
    lookback : int or mapping of str to int, optional
        Rows that a value may need. Default: as each Feature declares.
    sample : int
        Rows to look at.

    Returns
    -------
    list of Finding
        One a feature at most, the gravest first: not repeatable, look-ahead, warm-up. Empty when all is well.

    Raises
    ------
    Misuse
        As `evaluate`, and when a lookback is missing or longer than the data.
    """
    frame = frame_of(bars)
    found = []
    for name, given in exprs.items():
        expr = getattr(given, "expr", given)
        rows_needed = _lookback(name, given, lookback, frame.height)
        finding = _examine(name, expr, frame, rows_needed, _rows_to_look_at(frame.height, rows_needed, sample))
        if finding is not None:
            found.append(finding)
    return found


def _rows_to_look_at(n: int, lookback: int, sample: int) -> list[int]:
    # Never the last row: nothing comes after it that could be cut off.
    first = min(lookback, n - 1)
    return sorted({int(row) for row in np.linspace(first, max(n - 2, first), num=max(sample, 2)).round()})


def _examine(name: str, expr: Any, frame: pl.DataFrame, lookback: int, rows: list[int]) -> Finding | None:
    whole = _column(name, expr, frame)
    again = _column(name, expr, frame)
    if not np.array_equal(whole, again, equal_nan=True):
        row = int(np.argmax(~_same(whole, again, 0.0)))
        message = f"{name}: row {row} is {whole[row]:g}, and {again[row]:g} when computed again; use a seeded expression"
        return Finding(name, "not repeatable", row, float(whole[row]), float(again[row]), None, message)
    known = np.abs(whole[np.isfinite(whole)])
    margin = TOLERANCE * (float(np.mean(known)) if known.size else 0.0)
    for row in rows:
        finding = _prefix_finding(name, expr, frame, row, whole, margin)
        if finding is not None:
            return finding
    return _tail_finding(name, expr, frame, rows, lookback, whole, margin)


def _prefix_finding(name: str, expr: Any, frame: pl.DataFrame, row: int, whole: FloatArray, margin: float) -> Finding | None:
    try:
        cut = _column(name, expr, frame.head(row + 1))
    except Misuse as refusal:
        message = f"{name}: look-ahead: it cannot be computed without the rows after row {row} ({refusal.what})"
        return Finding(name, "look-ahead", row, float(whole[row]), float("nan"), None, message)
    # All rows before the cut, not only the last: an expression may look ahead in some rows only.
    wrong = np.flatnonzero(~_same(whole[: row + 1], cut, margin))
    if not wrong.size:
        return None
    at = int(wrong[0])
    message = (
        f"{name}: look-ahead: row {at} is {_shown(whole[at])} with the rows after row {row}, {_shown(cut[at])} without them; "
        "use only the present row and earlier ones"
    )
    return Finding(name, "look-ahead", at, float(whole[at]), float(cut[at]), None, message)


def _tail_finding(
    name: str, expr: Any, frame: pl.DataFrame, rows: list[int], lookback: int, whole: FloatArray, margin: float
) -> Finding | None:
    def agrees(row: int, length: int) -> bool:
        return _agree(whole[row], _from_tail(name, expr, frame, row, length), margin)

    short = [row for row in rows if not agrees(row, lookback)]
    if not short:
        return None
    enough = max(_smallest(lookback, row + 1, partial(agrees, row)) for row in short)
    needs = enough if 2 * enough <= frame.height else None
    row, value = short[0], _from_tail(name, expr, frame, short[0], lookback)
    remedy = f"a lookback of {needs} agrees" if needs else "it depends on nearly every row since the first; use one with an end"
    message = (
        f"{name}: warm-up: row {row} is {_shown(whole[row])} from all rows up to it, {_shown(value)} from the last {lookback}; "
        f"{remedy}"
    )
    return Finding(name, "warm-up", row, float(whole[row]), value, needs, message)


def _smallest(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Smallest number for which `holds`, when it does for `high` and not for `low`."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _from_tail(name: str, expr: Any, frame: pl.DataFrame, row: int, lookback: int) -> float:
    first = max(row + 1 - lookback, 0)
    return float(_column(name, expr, frame.slice(first, row + 1 - first))[-1])


def _column(name: str, expr: Any, frame: pl.DataFrame) -> FloatArray:
    import polars as pl

    try:
        # Beside another column, so that one number, such as a mean, is repeated in every row.
        found = frame.select(pl.col(frame.columns[0]).alias("__rows"), expr.alias("__feature"))["__feature"]
    except (pl.exceptions.PolarsError, TypeError, AttributeError) as fault:
        first = (str(fault).splitlines() or [type(fault).__name__])[0]
        raise Misuse(
            f"feature {name} cannot be computed: {first}", remedy=f"name columns of the bars: {', '.join(frame.columns)}"
        ) from None
    if not (found.dtype.is_numeric() or found.dtype in (pl.Boolean, pl.Null)):
        raise Misuse(f"feature {name} gives {found.dtype}, not numbers", remedy="end the expression with a number a row")
    values = found.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise Misuse(
            f"feature {name} is infinite in row {int(infinite[0])} (and {infinite.size - 1} more)",
            remedy="divide only by what is not zero, e.g. pl.when(x != 0).then(y / x)",
        )
    return np.asarray(values, np.float64)


def _lookback(name: str, given: Any, lookback: int | Mapping[str, int] | None, rows: int) -> int:
    wanted = lookback.get(name) if isinstance(lookback, Mapping) else lookback
    wanted = getattr(given, "lookback", None) if wanted is None else wanted
    if wanted is None:
        raise Misuse(f"feature {name} has no lookback", remedy="declare it with b25.feature(expr, lookback=…), or give lookback=")
    if not 1 <= wanted < rows:
        raise Misuse(f"feature {name}: a lookback of {wanted} in {rows} rows", remedy="give more rows, or a shorter lookback")
    return int(wanted)


def _same(a: FloatArray, b: FloatArray, margin: float) -> npt.NDArray[np.bool_]:
    both_unknown = np.isnan(a) & np.isnan(b)
    near: npt.NDArray[np.bool_] = np.abs(a - b) <= TOLERANCE * np.abs(a) + margin if margin else a == b
    return near | both_unknown


def _agree(a: float, b: float, margin: float) -> bool:
    return bool(_same(np.array([a]), np.array([b]), margin)[0])


def _shown(value: float) -> str:
    return "unknown" if np.isnan(value) else f"{value:.6g}"
