"""What the statistics are fed with: an instrument's mids, our fills in it, and the position that follows from them."""

from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from b25.analytics.metric import FloatArray, IntArray
from b25.model.errors import Misuse
from b25.model.instrument import Instrument


def _columns(what: str, times: IntArray, **columns: npt.NDArray[np.generic] | None) -> None:
    for name, column in columns.items():
        if column is not None and column.shape != times.shape:
            raise Misuse(f"{what}: {times.size} times and {column.size} of {name}", remedy="give arrays of one length")
    back = np.flatnonzero(np.diff(times) < 0)
    if back.size:
        raise Misuse(f"{what}: time runs backwards at row {int(back[0]) + 1}", remedy="sort it by time")


@dataclass(frozen=True, slots=True, eq=False)
class TimeSeries:
    """A number that holds from its time until the next one, e.g. a mid or a position.

    Parameters
    ----------
    time_ns : ndarray of int64, shape (n,)
        UTC epoch, never decreasing.
    values : ndarray of float64, shape (n,)
        NaN where unknown (a mid while a side of the book is empty).
    """

    time_ns: IntArray
    values: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "time_ns", np.asarray(self.time_ns, np.int64))
        object.__setattr__(self, "values", np.asarray(self.values, np.float64))
        _columns("series", self.time_ns, values=self.values)

    def at(self, time_ns: IntArray) -> FloatArray:
        """Value in force at each time; NaN before the first one and after the last one's time."""
        asked = np.asarray(time_ns, np.int64)
        if not self.time_ns.size:
            return np.full(asked.shape, np.nan)
        place = np.searchsorted(self.time_ns, asked, side="right") - 1
        inside = (place >= 0) & (asked <= self.time_ns[-1])
        return np.where(inside, self.values[np.maximum(place, 0)], np.nan)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FillSeries:
    """Our executions in one instrument, in time order.

    Parameters
    ----------
    time_ns : ndarray of int64, shape (n,)
        Venue time of each fill.
    side : ndarray of int, shape (n,)
        +1 buy, -1 sell.
    price : ndarray of float64, shape (n,)
        Quote units.
    quantity : ndarray of float64, shape (n,)
        Base units (linear) or contracts (inverse), positive.
    fee : ndarray of float64, shape (n,)
        In the settlement currency; negative is a rebate.
    maker : ndarray of bool, shape (n,), optional
        Whether we provided the liquidity.
    order_id : ndarray of int64, shape (n,), optional
        Order that each fill belongs to.
    mid : ndarray of float64, shape (n,), optional
        Mid price at the fill; NaN where unknown.
    submit_ns : ndarray of int64, shape (n,), optional
        When the fill's order was sent.
    lot : float
        Smallest quantity, with which "flat" is decided in whole numbers; 0 when unknown.
    contract_size : float
        Base units a contract (linear) or quote units a contract (inverse).
    inverse : bool
        True when profit arises in the base currency: a contract's value is ``-contract_size / price``.

    Raises
    ------
    Misuse
        For unequal lengths, time running backwards, a side that is neither +1 nor -1, or a price or quantity that is not
        positive.
    """

    time_ns: IntArray
    side: npt.NDArray[np.integer]
    price: FloatArray
    quantity: FloatArray
    fee: FloatArray
    maker: npt.NDArray[np.bool_] | None = None
    order_id: IntArray | None = None
    mid: FloatArray | None = None
    submit_ns: IntArray | None = None
    lot: float = field(default=0.0)
    contract_size: float = field(default=1.0)
    inverse: bool = field(default=False)

    def __post_init__(self) -> None:
        types: dict[str, npt.DTypeLike] = {
            "time_ns": np.int64,
            "side": np.int8,
            "maker": np.bool_,
            "order_id": np.int64,
            "submit_ns": np.int64,
        }
        for name in ("time_ns", "side", "price", "quantity", "fee", "maker", "order_id", "mid", "submit_ns"):
            column = getattr(self, name)
            if column is not None:
                object.__setattr__(self, name, np.asarray(column, types.get(name, np.float64)))
        _columns(
            "fills", self.time_ns, side=self.side, price=self.price, quantity=self.quantity, fee=self.fee,
            maker=self.maker, order_id=self.order_id, mid=self.mid, submit_ns=self.submit_ns,
        )  # fmt: skip
        if np.any(np.abs(self.side) != 1):
            raise Misuse("fills: a side is neither +1 nor -1", remedy="give +1 for buys and -1 for sells")
        if not (np.all(self.price > 0) and np.all(self.quantity > 0)):
            raise Misuse("fills: a price or quantity is not positive", remedy="give the quantity without its sign")

    @classmethod
    def from_records(
        cls, rows: npt.NDArray[np.void], instrument: Instrument, *, clock: Literal["venue", "local"] = "venue"
    ) -> Self:
        """Fills of one instrument from the engine's records.

        Parameters
        ----------
        rows : ndarray of FILL, shape (n,)
            Fills of this instrument only, in any order.
        instrument : Instrument
            Its grid and money unit.
        clock : {"venue", "local"}
            Whether a fill stands at the time it happened, or at the time the strategy learned of it. The records' own mid
            is that of the second moment, so it is used with the local clock only.
        """
        time_ns = rows[f"{clock}_ns"]
        order = np.argsort(time_ns, kind="stable")
        mine = rows[order]
        tick, lot = float(instrument.tick), float(instrument.lot)
        record = instrument.record()[0]
        mid2 = mine["mid2_ticks"]
        return cls(
            time_ns=time_ns[order],
            side=mine["side"],
            # One exact product and one rounded division, so that 268138 ticks of 0.01 are 2681.38.
            price=mine["price_ticks"] * record["tick_num"] / record["tick_den"],
            quantity=mine["qty_lots"] * record["lot_num"] / record["lot_den"],
            fee=mine["fee_e8"] * (float(instrument.money_unit) / 1e8),
            maker=mine["maker"].astype(np.bool_),
            order_id=mine["order_id"],
            mid=np.where(mid2 > 0, mid2 * (tick / 2), np.nan) if clock == "local" else None,
            lot=lot,
            contract_size=float(instrument.contract_size),
            inverse=instrument.inverse,
        )

    @property
    def size(self) -> int:
        """Number of fills."""
        return int(self.time_ns.size)

    def worth(self, price: FloatArray) -> FloatArray:
        """Value of one unit of quantity at a price, in the settlement currency; rises with the price in both kinds."""
        return -self.contract_size / price if self.inverse else self.contract_size * price

    @property
    def notional(self) -> FloatArray:
        """Absolute value of each fill, in the settlement currency."""
        return np.abs(self.worth(self.price)) * self.quantity

    @property
    def position(self) -> FloatArray:
        """Signed position after each fill, beginning flat; exact zeros when `lot` is known."""
        if self.lot > 0:
            return np.cumsum(self.side * np.rint(self.quantity / self.lot).astype(np.int64)) * self.lot
        held = np.cumsum(self.side * self.quantity)
        reach = np.maximum.accumulate(np.abs(held)) if held.size else held
        return np.where(np.abs(held) <= 1e-9 * reach, 0.0, held)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class InstrumentTrace:
    """What happened in one instrument of a session.

    Parameters
    ----------
    name : str
        Symbol, e.g. ``"ETH/USDT:USDT"``.
    fills : FillSeries
        Our executions.
    mids : TimeSeries, optional
        Mid price over time; mark-outs, excursions and the price chart need it.
    quote, base : str
        Units of price and quantity, for labels.
    position : TimeSeries, optional
        Signed position over time; by default it follows from the fills, beginning flat.
    resolution_ns : int
        How far apart the mids are known; 0 when every change is known. Nothing can be said of shorter spans.
    """

    name: str
    fills: FillSeries
    mids: TimeSeries | None = None
    quote: str = ""
    base: str = ""
    position: TimeSeries | None = None
    resolution_ns: int = 0

    def held(self, start_ns: int, end_ns: int) -> TimeSeries:
        """Signed position from `start_ns` to `end_ns`, as a step function."""
        source = self.position or TimeSeries(self.fills.time_ns, self.fills.position)
        keep = (source.time_ns > start_ns) & (source.time_ns <= end_ns)
        before = source.values[source.time_ns <= start_ns]
        first = float(before[-1]) if before.size else 0.0
        values = np.concatenate(([first], source.values[keep]))
        times = np.concatenate(([start_ns], source.time_ns[keep]))
        return TimeSeries(np.append(times, end_ns), np.append(values, values[-1]))
