"""Sample data of our own making: a seeded market that any machine can grow again from its seed, so none is shipped.

The market is simulated, not recorded. It has the look of one (bursts, fat tails, a spread of a few ticks, takers whose
side persists, makers who are picked off), and a strategy may be tried on it; nothing learned on it about profit holds
anywhere else.
"""

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from b25.kernels.dice import seed_dice
from b25.kernels.orderflow_state import (
    INPUT,
    INPUTS_MAX,
    MAKER,
    MAKER_LEVELS,
    MODEL,
    PARENT,
    QUOTE,
    RUNG,
    RUNGS,
    STATE,
    SWITCHES,
    Flow,
)
from b25.model.errors import Misuse
from b25.model.event import DEPTH, LAST_OF_MESSAGE, NO_ASK_TICKS, NO_BID_TICKS, ROW, TRADE
from b25.model.instrument import Instrument

if TYPE_CHECKING:
    from b25.market.manifest import Source

# Raise it with any change that gives the same seed other bytes.
GENERATOR_VERSION: Final = 1

START_NS: Final = 1_735_689_600_000_000_000  # 2025-01-01 00:00 UTC: a time like any other, and never the present
WARM_UP_S: Final = 60.0
CHUNK_ROWS: Final = 400_000
SECOND_NS: Final = 1_000_000_000

DEFAULTS: Final[dict[str, float]] = {
    "step_ns": 1_000_000,
    "publish_ns_min": 20_000_000,
    "publish_ns_max": 60_000_000,
    "latency_ns_median": 3_000_000,
    "latency_spread": 0.5,
    "fair_ticks": 15.0,
    "jump_per_s": 1 / 60,
    "jump_ticks_min": 15.0,
    "jump_ticks_max": 200.0,
    "belief_lag_s": 0.02,
    "impact_ticks": 5.0,
    "pressure_ticks": 9.0,
    "pressure_s": 0.8,
    "take_per_s": 2.5,
    "take_feedback": 0.7,
    "parent_share": 0.65,
    "momentum_share": 0.05,
    "lean_share": 0.2,
    "informed_per_s": 0.3,
    "margin_ticks": 3.0,
    "wary_per_s": 150.0,
    "patient_per_s": 60.0,
    "patient_ticks": 60.0,
    "patient_levels": 1_000.0,
    "price_ticks": 600_000.0,
}
PARENTS: Final = 3
# half_ticks, gap_ticks, size_lots, tolerance_ticks, react_per_s, refresh_per_s
MAKERS: Final = (
    (0.6, 2.0, 50.0, 2.0, 200.0, 1.0),
    (0.8, 3.0, 50.0, 3.0, 150.0, 1.0),
    (1.2, 5.0, 50.0, 4.0, 100.0, 0.5),
    (3.0, 8.0, 80.0, 6.0, 60.0, 0.5),
    (12.0, 14.0, 150.0, 12.0, 30.0, 0.3),
    (35.0, 25.0, 250.0, 20.0, 20.0, 0.3),
)


def open_market(seed: int, *, start_ns: int = START_NS, **changes: float) -> Flow:
    """Return a market before its first order.

    Parameters
    ----------
    seed : int
        Equal seeds and changes give equal markets.
    start_ns : int
        Time of its first step.
    **changes : float
        Parameters of the model other than `DEFAULTS`, by name.

    Raises
    ------
    Misuse
        When a change names no parameter, or gives it a value that the simulator cannot work with.
    """
    model, state = _model(changes), np.zeros(1, STATE)
    seed_dice(state[0], seed)
    state["now_ns"] = start_ns
    state["switches"] = int(state[0]["dice_0"]) >> 7 & ((1 << SWITCHES) - 1)
    state["activity"] = 1.0
    for name in ("fair_ticks", "belief_ticks", "trend_ticks"):
        state[name] = model["price_ticks"] + 0.5
    state["best_bid_ticks"], state["best_ask_ticks"] = NO_BID_TICKS, NO_ASK_TICKS
    state["low_bid_ticks"], state["high_ask_ticks"] = NO_ASK_TICKS, NO_BID_TICKS
    makers = np.zeros(len(MAKERS), MAKER)
    for i, maker in enumerate(MAKERS):
        makers[i] = (*maker, 0.0)
    return Flow(
        model=model,
        state=state,
        makers=makers,
        quotes=np.zeros((len(MAKERS), 2, MAKER_LEVELS), QUOTE),
        parents=np.zeros(PARENTS, PARENT),
        rungs=np.zeros((2, RUNGS), RUNG),
        touched=np.zeros(2 * RUNGS, np.int64),
        inputs=np.zeros(INPUTS_MAX, INPUT),
    )


def _model(changes: dict[str, float]) -> np.ndarray:
    if unknown := changes.keys() - DEFAULTS.keys():
        raise Misuse(
            f"the order-flow model has no parameter {', '.join(sorted(unknown))}", remedy=f"use one of {', '.join(DEFAULTS)}"
        )
    values = DEFAULTS | changes
    bounds = dict.fromkeys(DEFAULTS, (0.0, 1e12)) | {
        "step_ns": (1_000, 10_000_000),  # the fastest excitement decays in 40 ms
        "publish_ns_max": (values["publish_ns_min"], values["publish_ns_min"] + 2e9),
        "take_feedback": (0.0, 0.95),  # from 1 on, orders would breed without end
        "price_ticks": (40_000, 500_000_000),
    }
    bounds |= dict.fromkeys(("belief_lag_s", "pressure_s"), (values["step_ns"] * 1e-9, 1e6))
    bounds |= dict.fromkeys(("patient_levels", "patient_ticks", "jump_ticks_min", "latency_ns_median"), (1.0, 1e12))
    model = np.zeros(1, MODEL)
    for name, value in values.items():
        least, most = bounds[name]
        if not least <= value <= most:
            raise Misuse(f"the order-flow model's {name} is {value}", remedy=f"give a number from {least:g} to {most:g}")
        model[name] = value
    return model


def generate(
    seed: int,
    seconds: float,
    *,
    venue: str = "sim",
    symbol: str = "BTC/USDT:USDT",
    warm_up_s: float = WARM_UP_S,
    **changes: float,
) -> tuple[Instrument, np.ndarray]:
    """Grow a market and return what its exchange published.

    Parameters
    ----------
    seed : int
    seconds : float
        Length of the recording.
    venue, symbol : str
        Name of the instrument; the market is the same whatever it is called.
    warm_up_s : float
        How long the market has lived before the recording starts.
    **changes : float
        Parameters of the model other than `DEFAULTS`, by name.

    Returns
    -------
    Instrument
    ndarray of ROW
        One snapshot, then depth messages and prints in the order in which they were received.
    """
    from b25.kernels.orderflow_tape import ROWS_SPARE, advance, publish_snapshot

    instrument = Instrument(venue=venue, symbol=symbol, tick=Decimal("0.1"), lot=Decimal("0.001"), min_notional=Decimal(5))
    flow = open_market(seed, start_ns=START_NS, **changes)
    buffer = np.zeros(CHUNK_ROWS + ROWS_SPARE, ROW)
    warm_ns = START_NS + int(warm_up_s * SECOND_NS)
    while flow.state[0]["now_ns"] < warm_ns:
        # The last step of the warm-up publishes, so that the snapshot stands between two messages.
        advance(flow, buffer, warm_ns - int(flow.model[0]["step_ns"]))
        flow.state["publish_ns"] = 0
        advance(flow, buffer, warm_ns)
    parts = [buffer[: publish_snapshot(flow, buffer)].copy()]
    until_ns = warm_ns + int(seconds * SECOND_NS)
    while flow.state[0]["now_ns"] < until_ns:
        buffer["pad"] = 0
        parts.append(buffer[: advance(flow, buffer, until_ns)].copy())
    return instrument, np.concatenate(parts)


def build_sample(
    catalog_dir: Path | str,
    *,
    seed: int = 25,
    minutes: int = 30,
    venue: str = "sim",
    symbol: str = "BTC/USDT:USDT",
) -> Path:
    """Put the sample into a catalog, unless this very sample is there.

    Parameters
    ----------
    catalog_dir : Path or str
        Made if needed.
    seed, minutes : int
        Of another seed or length, or of an older generator: the sample in the catalog is replaced.
    venue, symbol : str
        Name of the instrument in the catalog.

    Returns
    -------
    Path
        The instrument's manifest.

    Raises
    ------
    Misuse
        When there is nothing to simulate, or the catalog holds recorded data of this instrument and time, or cannot be written.
    """
    from b25.market.catalog import Catalog  # polars is not needed before this
    from b25.market.catalog_writer import store
    from b25.market.manifest import NAME, read_manifest

    if minutes < 1:
        raise Misuse(f"a sample of {minutes} minutes holds nothing", remedy="give at least one minute")
    catalog = Catalog(catalog_dir)
    folder = catalog.instrument_folder(venue, symbol)
    recipe = f"simulated, seed {seed}, generator version {GENERATOR_VERSION}, {minutes} min"
    present = read_manifest(folder)
    for source in present.sources if present is not None else []:
        if source.name == recipe and all((folder / file.path).is_file() for file in source.files):
            return folder / NAME
    instrument, rows = generate(seed, minutes * 60, venue=venue, symbol=symbol)
    store(catalog, instrument, _source(recipe, venue, symbol, rows), {"l2": rows})
    return folder / NAME


def _source(recipe: str, venue: str, symbol: str, rows: np.ndarray) -> "Source":
    from b25.market.manifest import Source

    depth = rows["kind"] == DEPTH
    return Source(
        name=recipe,
        # The catalog knows a capture by this; one for all recipes, so that a new sample takes the old one's place.
        sha256=hashlib.sha256(f"simulated {venue} {symbol}".encode()).hexdigest(),
        first_recv_ns=int(rows["recv_ns"][0]),
        last_recv_ns=int(rows["recv_ns"][-1]),
        first_update_id=int(rows["first_id"][0]),
        last_update_id=int(rows["last_id"][depth][-1]),
        facts={
            "rows": len(rows),
            "diffs": int(np.count_nonzero(rows["flags"][depth] & LAST_OF_MESSAGE)),
            "trades": int(np.count_nonzero(rows["kind"] == TRADE)),
            "snapshots": 1,
            "gaps": 0,
            "duplicates": 0,
            "clock_offset_ns": 0,
            "bbo_rows": 0,
            "first_ns": int(rows["exch_ns"][0]),
            "last_ns": int(rows["exch_ns"][-1]),
        },
        quality={"simulated": True},
    )
