"""What a simulated venue assumes: fees, latency, queue, fills. Realism is chosen, one object each, and written in the result."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from b25.kernels import queue
from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.model.world import FEES, TIERS
from b25.venue.records import CONSTANT, LATENCY, LOGNORMAL, PARTIAL, RECORDED, ROUND_TRIP, WHOLE

E8 = Decimal(10) ** 8
FEE_MAX = Decimal("0.01")


def _rate_e8(name: str, ratio: Any) -> int:
    try:
        value = Decimal(str(ratio))
    except InvalidOperation:
        raise Misuse(f"{name}={ratio!r} is not a number", remedy="give a ratio of the value, e.g. 0.0002 for 2 bps") from None
    if not value.is_finite() or abs(value) > FEE_MAX:
        raise Misuse(
            f"{name}={ratio} would be {value:%} of the value", remedy="give a ratio, e.g. 0.0002 for 2 bps; at most 0.01"
        )
    return int((value * E8).to_integral_value())


@dataclass(frozen=True, slots=True)
class Fees:
    """Fees as ratios of the value traded; negative is a rebate.

    Parameters
    ----------
    maker, taker : float
        Ratio of a fill's value, e.g. 0.0002 for 2 bps.
    tiers : sequence of (volume_quote, maker, taker)
        Further tiers by volume traded in this run, in settlement currency, ascending; at most 7.
    per_lot, flat : float
        Settlement currency per lot, and per fill.
    """

    maker: float = 0.0002
    taker: float = 0.0005
    tiers: Sequence[tuple[float, float, float]] = ()
    per_lot: float = 0.0
    flat: float = 0.0

    def record(self, instrument: Instrument) -> np.ndarray[Any, Any]:
        """Return one FEES row in the instrument's money units. Raises Misuse for ratios that look like percentages."""
        steps = [(0.0, self.maker, self.taker), *self.tiers]
        volumes = [step[0] for step in steps]
        if len(steps) > TIERS or volumes != sorted(volumes):
            raise Misuse(f"fee tiers {list(self.tiers)}", remedy=f"give at most {TIERS - 1}, by ascending volume")
        unit = float(instrument.money_unit)
        row = np.zeros(1, FEES)
        row["tiers"] = len(steps)
        for k, (volume, maker, taker) in enumerate(steps):
            row["volume_from"][0, k] = round(volume / unit)
            row["maker_e8"][0, k] = _rate_e8("maker fee", maker)
            row["taker_e8"][0, k] = _rate_e8("taker fee", taker)
        row["per_lot_e8"] = round(self.per_lot / unit * 1e8)
        row["flat_e8"] = round(self.flat / unit * 1e8)
        return row


@dataclass(frozen=True, slots=True)
class Queue:
    """Where our resting orders stand at their level.

    Parameters
    ----------
    name : str
        ``risk_adverse``, ``power_prob:n``, ``power_prob_2:n``, ``power_prob_3:n``, ``log_prob`` or ``log_prob_2``, where n is
        the exponent.
    """

    name: str = "risk_adverse"

    def code(self) -> tuple[int, float]:
        """Return the model's number and exponent. Raises Misuse for an unknown name."""
        kind, _, exponent = self.name.partition(":")
        if kind not in QUEUES:
            raise Misuse(f"unknown queue model {self.name!r}", remedy=f"use one of {', '.join(QUEUES)}, e.g. power_prob_3:3.0")
        number, needs = QUEUES[kind]
        if not needs:
            if exponent:
                raise Misuse(f"queue model {kind} takes no exponent", remedy=f"write {kind}")
            return number, 0.0
        try:
            n = float(exponent or "nan")
        except ValueError:
            n = math.nan
        if not 0 < n < 100:
            raise Misuse(
                f"queue model {self.name!r} needs an exponent", remedy=f"write {kind}:3.0, any number above 0 and below 100"
            )
        return number, n


QUEUES: dict[str, tuple[int, bool]] = {
    "risk_adverse": (queue.RISK_ADVERSE, False),
    "power_prob": (queue.POWER, True),
    "power_prob_2": (queue.POWER_2, True),
    "power_prob_3": (queue.POWER_3, True),
    "log_prob": (queue.LOG, False),
    "log_prob_2": (queue.LOG_2, False),
}


@dataclass(frozen=True, slots=True)
class ConstantLatency:
    """The same nanoseconds for every request and every answer."""

    entry_ns: int = 10_000_000
    response_ns: int | None = None

    def record(self) -> np.ndarray[Any, Any]:
        """Return one LATENCY row."""
        row = np.zeros(1, LATENCY)
        row["kind"] = CONSTANT
        row["entry_ns"] = _nonnegative("entry_ns", self.entry_ns)
        row["response_ns"] = _nonnegative("response_ns", self.entry_ns if self.response_ns is None else self.response_ns)
        return row

    def draws(self, count: int) -> np.ndarray[Any, Any]:
        """Return the latencies in ns of so many messages of a feed."""
        return np.full(count, _nonnegative("entry_ns", self.entry_ns), np.int64)


@dataclass(frozen=True, slots=True)
class LognormalLatency:
    """Latency drawn anew for every request and answer: floor + lognormal with the given median and sigma of the logarithm."""

    median_ns: int = 5_000_000
    sigma: float = 0.5
    floor_ns: int = 0
    seed: int = 25

    def record(self) -> np.ndarray[Any, Any]:
        """Return one LATENCY row."""
        if self.median_ns <= 0 or not 0 <= self.sigma < 10:
            raise Misuse(f"{self}", remedy="give a median above 0 ns and a sigma from 0 to 10")
        row = np.zeros(1, LATENCY)
        row["kind"] = LOGNORMAL
        row["log_mu"] = math.log(self.median_ns)
        row["log_sigma"] = self.sigma
        row["floor_ns"] = _nonnegative("floor_ns", self.floor_ns)
        row["seed"] = np.uint64(self.seed)
        return row

    def draws(self, count: int) -> np.ndarray[Any, Any]:
        """Return the latencies in ns of so many messages of a feed."""
        row = self.record()[0]
        normal = np.random.default_rng(self.seed).standard_normal(count)
        drawn: np.ndarray[Any, Any] = row["floor_ns"] + np.exp(row["log_mu"] + row["log_sigma"] * normal).astype(np.int64)
        return drawn


@dataclass(frozen=True)
class RecordedLatency:
    """Latency interpolated between logged round trips (request_ns, exch_ns, answer_ns), held constant beyond the ends."""

    round_trips: Sequence[tuple[int, int, int]]
    _rows: list[Any] = field(default_factory=list, compare=False, repr=False)

    def record(self) -> np.ndarray[Any, Any]:
        """Return one LATENCY row; the table lives as long as this object."""
        trips = np.array([tuple(t) for t in self.round_trips], dtype=ROUND_TRIP)
        if trips.size == 0:
            raise Misuse("recorded latency without round trips", remedy="give at least one (request_ns, exch_ns, answer_ns)")
        late = (trips["exch_ns"] < trips["request_ns"]) | (trips["answer_ns"] < trips["exch_ns"])
        if late.any() or (np.diff(trips["request_ns"]) < 0).any() or (np.diff(trips["exch_ns"]) < 0).any():
            raise Misuse("recorded latency goes back in time", remedy="sort the round trips; request <= exchange <= answer")
        self._rows.append(trips)
        row = np.zeros(1, LATENCY)
        row["kind"] = RECORDED
        row["trips"] = trips.ctypes.data
        row["trip_count"] = trips.size
        return row


def _nonnegative(name: str, value: int) -> int:
    if isinstance(value, bool) or int(value) != value or not 0 <= value < 2**62:
        raise Misuse(f"latency {name}={value!r}", remedy="give whole nanoseconds, 0 or more")
    return int(value)


Latency = ConstantLatency | LognormalLatency | RecordedLatency


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """All that a simulated venue assumes.

    Parameters
    ----------
    fees : Fees
    latency : ConstantLatency, LognormalLatency or RecordedLatency
        Of orders and their answers; the feed's latency is in the data.
    queue : Queue
    fills : str
        ``"partial"``: prints are shared and displayed lots sold once; ``"whole"``: hftbacktest's rule, whole or not at all.
    """

    fees: Fees = Fees()
    latency: Latency = ConstantLatency()
    queue: Queue = Queue()
    fills: str = "partial"

    def fill_code(self) -> int:
        """Return the fill model's number. Raises Misuse for an unknown name."""
        if self.fills not in ("partial", "whole"):
            raise Misuse(f"unknown fill model {self.fills!r}", remedy="use partial or whole")
        return PARTIAL if self.fills == "partial" else WHOLE
