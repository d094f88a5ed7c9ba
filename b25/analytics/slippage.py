"""What each fill and each order cost against the mid at which it was decided: delay, spread, impact, and what went unfilled."""

from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from b25.analytics.fill_metrics import markout
from b25.analytics.metric import NS_PER_SECOND, FloatArray, IntArray
from b25.analytics.series import InstrumentTrace, TimeSeries
from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.model.order import State

ENDED: Final = (State.FILLED, State.CANCELLED, State.EXPIRED, State.REJECTED, State.DENIED)
MARKOUT_SECONDS: Final = (1, 10, 60)
MARKOUT_BARS: Final = (1, 5, 15)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OrderSeries:
    """Orders of one instrument, in order of their id.

    Parameters
    ----------
    order_id, sent_ns, ended_ns : ndarray of int64, shape (n,)
        Identity, the moment of the decision, and when the order was done (or the data ended).
    side : ndarray of int, shape (n,)
        +1 buy, -1 sell.
    quantity, filled : ndarray of float64, shape (n,)
        Base units (linear) or contracts (inverse): asked for, and executed.
    reached_ns : ndarray of int64, shape (n,), optional
        When the order could first trade; without it the delay is not split.
    arrival : ndarray of float64, shape (n,), optional
        Mid at the decision, where it is known better than from the trace's mids.

    Raises
    ------
    Misuse
        For unequal lengths, or ids that are not strictly ascending.
    """

    order_id: IntArray
    sent_ns: IntArray
    ended_ns: IntArray
    side: npt.NDArray[np.integer]
    quantity: FloatArray
    filled: FloatArray
    reached_ns: IntArray | None = None
    arrival: FloatArray | None = None

    def __post_init__(self) -> None:
        size = self.order_id.size
        for name in ("sent_ns", "ended_ns", "side", "quantity", "filled", "reached_ns", "arrival"):
            column = getattr(self, name)
            if column is not None and column.size != size:
                raise Misuse(f"orders: {size} ids and {column.size} of {name}", remedy="give arrays of one length")
        if np.any(np.diff(self.order_id) <= 0):
            raise Misuse("orders: an id stands twice or out of order", remedy="sort them by order_id, each once")

    @classmethod
    def from_records(
        cls, rows: npt.NDArray[np.void], instrument: Instrument, *, end_ns: int, reached_ns: IntArray | None = None
    ) -> Self:
        """Orders of one instrument from the engine's records, sorted by `order_id`.

        Parameters
        ----------
        rows : ndarray of ORDER, shape (n,)
            Of this instrument only.
        instrument : Instrument
            Its grid.
        end_ns : int
            End of the run, at which orders that still rest are valued.
        reached_ns : ndarray of int64, shape (n,), optional
            When each could first trade.
        """
        record = instrument.record()[0]
        lots = [rows[name] * record["lot_num"] / record["lot_den"] for name in ("qty_lots", "filled_lots")]
        finished = (rows["leaves_lots"] == 0) | np.isin(rows["state"], ENDED)
        return cls(
            order_id=rows["order_id"].astype(np.int64),
            sent_ns=rows["created_ns"].astype(np.int64),
            ended_ns=np.where(finished, rows["updated_ns"], end_ns).astype(np.int64),
            side=rows["side"].astype(np.int8),
            quantity=lots[0],
            filled=lots[1],
            reached_ns=reached_ns,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Touch:
    """Best bid and ask from each time until the next, on the clock on which fills happened; NaN where a side is empty."""

    time_ns: IntArray
    bid: FloatArray
    ask: FloatArray

    def before(self, time_ns: IntArray) -> tuple[FloatArray, FloatArray]:
        """Bid and ask just before each time: what was at this very time may be its consequence."""
        if not self.time_ns.size:
            return np.full(time_ns.size, np.nan), np.full(time_ns.size, np.nan)
        place = np.searchsorted(self.time_ns, time_ns, side="left") - 1
        row = np.maximum(place, 0)
        return np.where(place >= 0, self.bid[row], np.nan), np.where(place >= 0, self.ask[row], np.nan)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Traded:
    """One instrument's fills and orders, and the market they met.

    Parameters
    ----------
    trace : InstrumentTrace
        Fills with `order_id`, and mids as the trader knew them.
    orders : OrderSeries
        Every order, also those without a fill.
    happened_ns : ndarray of int64, optional
        When each fill of the trace happened at the venue; by default the fills' own times.
    touch : Touch, optional
        The venue's best prices; with it spread and impact are told apart.
    before_fill, at_chance, at_touch : ndarray of float64, optional
        Of each fill: the mid just before it, the mid at the first chance of its order, and the best price that a taker met,
        where they are known better than from the touch, e.g. from the bar and the fill model.
    volume_day : float, optional
        Base units (or contracts) that the whole market traded, a day.
    bar_ns : int
        Length of a bar where prices come from bars; mark-outs are then counted in bars, else in seconds.
    """

    trace: InstrumentTrace
    orders: OrderSeries
    happened_ns: IntArray | None = None
    touch: Touch | None = None
    before_fill: FloatArray | None = None
    at_chance: FloatArray | None = None
    at_touch: FloatArray | None = None
    volume_day: float | None = None
    bar_ns: int = field(default=0)


@dataclass(frozen=True, slots=True, eq=False)
class FillCosts:
    """What each fill cost, settlement currency, positive is a loss; NaN where it is not known."""

    row: IntArray  # of the fill's order in the orders; -1 for a fill that no order of ours asked for
    arrival: FloatArray
    delay: FloatArray
    latency: FloatArray
    spread: FloatArray
    impact: FloatArray
    slippage: FloatArray
    arrival_value: FloatArray


def last_known(mids: TimeSeries | None, time_ns: IntArray) -> FloatArray:
    """Last known mid at or before each time, however long ago; NaN before the first."""
    if mids is None:
        return np.full(np.shape(time_ns), np.nan)
    known = ~np.isnan(mids.values)
    times, values = mids.time_ns[known], mids.values[known]
    if not times.size:
        return np.full(np.shape(time_ns), np.nan)
    place = np.searchsorted(times, time_ns, side="right") - 1
    return np.where(place >= 0, values[np.maximum(place, 0)], np.nan)


def arrival_mids(traded: Traded) -> FloatArray:
    """Mid at each order's decision, shape (n_orders,)."""
    orders = traded.orders
    return last_known(traded.trace.mids, orders.sent_ns) if orders.arrival is None else orders.arrival


def fill_costs(traded: Traded) -> FillCosts:
    """Split each fill's slippage against its arrival price.

    Parameters
    ----------
    traded : Traded

    Returns
    -------
    FillCosts
        ``slippage = delay + spread + impact`` for every fill, where impact counts as 0 when it is not known: without a
        touch all that lies between mid and price is spread.

    Raises
    ------
    Misuse
        When the fills do not say which orders they belong to.
    """
    fills, orders = traded.trace.fills, traded.orders
    if fills.order_id is None:
        raise Misuse(f"{traded.trace.name}: fills without an order_id", remedy="give FillSeries the order_id of each fill")
    row = np.searchsorted(orders.order_id, fills.order_id)
    inside = np.minimum(row, max(orders.order_id.size - 1, 0))
    own = orders.order_id[inside] == fills.order_id if orders.order_id.size else np.zeros(fills.size, np.bool_)
    row = np.where(own, inside, -1)
    happened = fills.time_ns if traded.happened_ns is None else traded.happened_ns
    before, touch = _before(traded, happened)
    # A forced fill (liquidation, end of data) was decided by nobody of us: it is measured from the moment it happened.
    arrival = np.where(own, arrival_mids(traded)[inside], before) if orders.order_id.size else before
    chance = traded.at_chance if traded.at_chance is not None else _chance(traded, inside, own)

    def cost(to: FloatArray, since: FloatArray) -> FloatArray:
        out: FloatArray = fills.side * (fills.worth(to) - fills.worth(since)) * fills.quantity
        return out

    slippage = cost(fills.price, arrival)
    # Where the mid at the fill is not known nothing can be split, and the whole is neither of the parts.
    delay, latency = cost(before, arrival), cost(chance, arrival)
    taker = ~fills.maker if fills.maker is not None else np.ones(fills.size, np.bool_)
    walked = taker & ~np.isnan(touch)
    level = np.where(walked, touch, fills.price)
    return FillCosts(
        row=row,
        arrival=arrival,
        delay=delay,
        latency=latency,
        spread=cost(level, before),
        impact=np.where(walked, cost(fills.price, level), np.nan if traded.touch is None and traded.at_touch is None else 0.0),
        slippage=slippage,
        arrival_value=np.abs(fills.worth(arrival)) * fills.quantity,
    )


def _before(traded: Traded, happened: IntArray) -> tuple[FloatArray, FloatArray]:
    """Mid just before each fill, and the best price of the side that a taker would hit."""
    side = traded.trace.fills.side
    if traded.touch is not None:
        bid, ask = traded.touch.before(happened)
        mid = (bid + ask) / 2
        return (mid if traded.before_fill is None else traded.before_fill), np.where(side > 0, ask, bid)
    met = np.full(happened.size, np.nan) if traded.at_touch is None else traded.at_touch
    return (last_known(traded.trace.mids, happened) if traded.before_fill is None else traded.before_fill), met


def _chance(traded: Traded, row: IntArray, own: npt.NDArray[np.bool_]) -> FloatArray:
    reached = traded.orders.reached_ns
    if reached is None or not reached.size:
        return np.full(row.size, np.nan)
    if traded.touch is not None:
        bid, ask = traded.touch.before(reached[row])
        return np.where(own, (bid + ask) / 2, np.nan)
    return np.where(own, last_known(traded.trace.mids, reached[row]), np.nan)


def order_costs(traded: Traded, costs: FillCosts) -> pl.DataFrame:
    """One row an order: what it asked, what it got, and what that cost.

    Parameters
    ----------
    traded : Traded
    costs : FillCosts
        As made by `fill_costs`.

    Returns
    -------
    polars.DataFrame
        Money columns are in the settlement currency, positive is a cost; null where a figure is not known or an order has no
        fill. Fills that no order asked for stand in one row with `order_id` -1.
    """
    fills, orders = traded.trace.fills, traded.orders
    n = orders.order_id.size
    forced = bool(np.any(costs.row < 0))
    row, size = np.where(costs.row < 0, n, costs.row), n + int(forced)

    def total(values: FloatArray) -> FloatArray:
        out: FloatArray = np.zeros(size)
        np.add.at(out, row, values)
        return out

    filled = total(fills.quantity)
    some = filled > 0
    notional, arrival_value = total(fills.notional), total(costs.arrival_value)
    arrival = np.append(arrival_mids(traded), np.nan)[:size]
    slippage = total(costs.slippage)
    made = total(fills.notional * fills.maker) if fills.maker is not None else np.full(size, np.nan)
    missed = np.append(_opportunity(traded), 0.0)[:size]
    asked = np.append(orders.quantity, filled[n:])
    fees = total(fills.fee)
    frame: dict[str, object] = {
        "order_id": np.append(orders.order_id, -1)[:size],
        "symbol": [traded.trace.name] * size,
        "side": np.append(orders.side, 0)[:size].astype(np.int8),
        "sent": np.append(orders.sent_ns, fills.time_ns[-1:])[:size],
        "quantity": asked,
        "filled": filled,
        "arrival": arrival,
        "average_price": _average(traded, filled, notional, some),
        "value": np.where(some, arrival_value, 0.0),
        "slippage_bps": _over(slippage * 1e4, arrival_value),
        "slippage": np.where(some, slippage, 0.0),
        **{name: total(getattr(costs, name)) for name in ("delay", "latency", "spread", "impact")},
        "fees": fees,
        "maker_share": _over(made, notional),
        "opportunity": missed,
        "shortfall": slippage + fees + missed,
        **{name: total(values) for name, values in markouts(traded).items()},
    }
    table = pl.DataFrame(frame).with_columns(
        pl.from_epoch(pl.col("sent"), time_unit="ns").dt.replace_time_zone("UTC"), pl.col(pl.Float64).fill_nan(None)
    )
    nothing = [name for name in ("average_price", "delay", "latency", "spread", "impact", *markouts(traded)) if name in table]
    return table.with_columns(pl.when(pl.col("filled") > 0).then(pl.col(nothing)))


def _opportunity(traded: Traded) -> FloatArray:
    """What each order's unfilled quantity missed between the decision and the order's end."""
    orders, worth = traded.orders, traded.trace.fills.worth
    unfilled = np.maximum(orders.quantity - orders.filled, 0.0)
    end = last_known(traded.trace.mids, orders.ended_ns)
    missed = orders.side * (worth(end) - worth(arrival_mids(traded))) * unfilled
    return np.where(unfilled > 0, missed, 0.0)


def _average(traded: Traded, filled: FloatArray, notional: FloatArray, some: npt.NDArray[np.bool_]) -> FloatArray:
    size = traded.trace.fills.contract_size
    above, below = (filled * size, notional) if traded.trace.fills.inverse else (notional, filled * size)
    out: FloatArray = np.divide(above, below, out=np.full(filled.size, np.nan), where=some)
    return out


def _over(above: FloatArray, below: FloatArray) -> FloatArray:
    out: FloatArray = np.divide(above, below, out=np.full(above.size, np.nan), where=below > 0)
    return out


def markouts(traded: Traded) -> dict[str, FloatArray]:
    """Mark-out of each fill by horizon: bars where prices come from bars, else seconds; NaN where the data ends before."""
    mids, fills = traded.trace.mids, traded.trace.fills
    if mids is None:
        return {}
    if traded.bar_ns:
        return {f"markout_{k}bar": markout(fills, mids, k * traded.bar_ns) for k in MARKOUT_BARS}
    return {f"markout_{k}s": markout(fills, mids, k * NS_PER_SECOND) for k in MARKOUT_SECONDS}
