"""Whole fills: the compiled engine gives what the naive twin gives, on rows that no market would send."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.model.event import BUY, CLEAR, DEPTH, SELL, SNAPSHOT, TRADE
from b25.venue.models import ConstantLatency, Fees, Models, Queue
from benchmarks.strategies import ReferenceMaker, ReferenceTaker
from tests.engine import naive, naive_traders
from tests.engine.runs import ETH, Row, check_sums, run, track_of

QUEUES = ["risk_adverse", "power_prob:2.0", "power_prob_2:2.0", "power_prob_3:3.0", "log_prob", "log_prob_2"]
LOT = 0.001


def market(seed: int, size: int) -> list[Row]:
    """Rows around one price: many at one time, received late, out of order or before they happened; books that cross."""
    dice = random.Random(seed)
    low, high, most = dice.choice([(94, 106, 9), (98, 103, 30)])
    rows: list[Row] = []
    now_ns = 1_000
    for _ in range(size):
        now_ns += dice.choice([0, 0, 1, 10, 50, 100])
        late_ns = dice.choice([-20, 0, 0, 0, 7, 50, 300])
        kind = dice.choice([DEPTH, DEPTH, DEPTH, SNAPSHOT, TRADE, TRADE, CLEAR])
        side, ticks, lots = dice.choice([BUY, SELL]), dice.randint(low, high), dice.randint(0, most)
        if kind == TRADE:
            lots = max(lots, 1)
        if dice.random() < 0.5 and kind in (DEPTH, SNAPSHOT):
            # Half of them do not cross, so that quotes rest and queues matter.
            ticks = min(ticks, 100) if side == BUY else max(ticks, 101)
        rows.append((now_ns, now_ns + late_ns, kind, side, ticks, 0 if kind == CLEAR else lots))
    return rows


# A seed and a length, because rows drawn one by one make few fills; a failure shrinks to its shortest beginning.
MARKETS = st.builds(market, st.integers(0, 2**32), st.integers(1, 150))
MAKERS = st.fixed_dictionaries(
    {
        "step_ns": st.sampled_from([10, 50, 100]),
        "half_ticks": st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.5]),
        "qty": st.sampled_from([1 * LOT, 2 * LOT, 5 * LOT]),
    }
)
TAKERS = st.fixed_dictionaries(
    {
        "step_ns": st.sampled_from([10, 50, 100]),
        "alpha": st.sampled_from([0.05, 0.3, 0.9]),
        "threshold_ticks": st.sampled_from([0.0, 0.5, 1.5]),
        "qty": st.sampled_from([1 * LOT, 3 * LOT]),
    }
)


def agree(strategy: str, rows: list[Row], params: dict[str, float], queue: str, latency_ns: int, compiled: bool = True) -> None:
    """Hold one run against its twin: fills in order, counts, clock, position and money."""
    ours, twin = {"maker": (ReferenceMaker, naive_traders.Maker), "taker": (ReferenceTaker, naive_traders.Taker)}[strategy]
    params = {**params, "max_qty": 4 * params["qty"]}
    expected = naive.run(
        rows,
        twin,
        params,
        queue=queue,
        order_latency_ns=latency_ns,
        fee_maker=-0.0001,
        fee_taker=0.0004,
        tick="0.01",
        lot="0.001",
    )
    models = Models(fees=Fees(-0.0001, 0.0004), latency=ConstantLatency(latency_ns), queue=Queue(queue), fills="whole")
    found = run(ours, track_of(rows), params, models=models, compiled=compiled)
    names = ("order_id", "venue_ns", "side", "price_ticks", "qty_lots", "maker")
    fills = list(zip(*(found.fills[n].tolist() for n in names), strict=True))
    # The twin lists what its last act could know; what was learned after that is counted in its trades.
    known = len(expected["fills"])
    assert (found.fills["local_ns"][known:] >= found.end_ns).all()
    assert fills[:known] == [
        (f["order_id"], f["exch_ns"], f["side"], f["price_ticks"], f["qty_lots"], int(f["maker"])) for f in expected["fills"]
    ]
    head, position, unit = found.world.head[0], found.world.positions[0], float(ETH.money_unit)
    assert {n: int(head[n]) for n in ("steps", "submits", "cancels")} == {n: expected[n] for n in ("steps", "submits", "cancels")}
    assert found.end_ns == expected["end_ns"]
    assert found.fills.size == expected["trades"]
    assert position["position_lots"] * LOT == pytest.approx(expected["position"])
    assert position["cash"] * unit == pytest.approx(expected["balance"], abs=1e-12)
    assert (position["fees"] + position["fees_e8"] / 1e8) * unit == pytest.approx(expected["fee"], abs=1e-12)
    check_sums(found)


@pytest.mark.parametrize("queue", QUEUES)
@settings(max_examples=100)
@given(rows=MARKETS, params=MAKERS, latency_ns=st.sampled_from([0, 1, 25, 130]))
def test_a_maker_is_filled_as_the_twin_says(queue: str, rows: list[Row], params: dict[str, float], latency_ns: int) -> None:
    agree("maker", rows, params, queue, latency_ns)


@settings(max_examples=200)
@given(rows=MARKETS, params=TAKERS, latency_ns=st.sampled_from([0, 1, 25, 130]))
def test_a_taker_is_filled_as_the_twin_says(rows: list[Row], params: dict[str, float], latency_ns: int) -> None:
    agree("taker", rows, params, "risk_adverse", latency_ns)


@settings(max_examples=40)
@given(rows=MARKETS, params=MAKERS, queue=st.sampled_from(QUEUES), latency_ns=st.sampled_from([0, 25]))
def test_the_plain_life_is_filled_as_the_twin_says(
    rows: list[Row], params: dict[str, float], queue: str, latency_ns: int
) -> None:
    agree("maker", rows, params, queue, latency_ns, compiled=False)
