"""A feature of a strategy: an expression over bars that a backtest computes at once and a live session from the last rows."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from b25.model.errors import Misuse

LOOKBACK_MAX = 10_000_000


@dataclass(frozen=True, slots=True)
class Feature:
    """A declared feature. Made by `feature`; equal when expression and lookback are.

    Attributes
    ----------
    expr : polars.Expr
        Over the columns of a bars frame; one number a row.
    lookback : int
        Rows, the present one included, that one value needs.
    key : str
        Hash of the expression as polars keeps it: its text does not name every argument.
    """

    expr: Any = field(compare=False)
    lookback: int
    key: str

    @property
    def text(self) -> str:
        """The expression for people; see `key` for its identity."""
        return str(self.expr)

    def __repr__(self) -> str:
        return f"feature({self.text}, lookback={self.lookback})"


def feature(expr: Any, *, lookback: int) -> Any:
    """Declare a feature of a strategy: a field that holds the expression's value of the bar that has just closed.

    Parameters
    ----------
    expr : polars.Expr
        Over ``date, open, high, low, close, volume, buy_volume``; it must give one number a row, from that row and earlier
        ones. NaN and null both mean unknown.
    lookback : int
        Rows, the present one included, that one value needs: ``pl.col("close").pct_change(20)`` needs 21.

    Raises
    ------
    Misuse
        When `expr` is no polars expression, or gives several columns, or `lookback` is no positive whole number.

    Examples
    --------
    >>> class Follow(Strategy):
    ...     momentum: float = feature(pl.col("close").pct_change(20), lookback=21)
    """
    if not (type(expr).__name__ == "Expr" and type(expr).__module__.startswith("polars.")):
        raise Misuse(f"a feature made of {expr!r}", remedy='give a polars expression, e.g. pl.col("close").pct_change(20)')
    if expr.meta.has_multiple_outputs():
        raise Misuse(f"the feature {expr} gives several columns", remedy="declare one feature a column")
    if isinstance(lookback, bool) or not isinstance(lookback, int) or not 1 <= lookback <= LOOKBACK_MAX:
        raise Misuse(f"the feature {expr} with lookback={lookback!r}", remedy="give the rows that one value needs, at least 1")
    return Feature(expr, lookback, hashlib.sha256(expr.meta.serialize()).hexdigest()[:16])
