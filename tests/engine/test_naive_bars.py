"""Random orders over random bars: every fill, end and note equals that of an independent slow engine."""

import random
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from b25.model.bar import BAR
from b25.model.event import BUY, SELL
from b25.model.order import Reason, State
from b25.venue.bar_models import Account, BarFills
from b25.venue.models import Fees
from tests.engine.bar_runs import PERP, SPOT, START, bars_of, digest, refusals_of, table_engine
from tests.engine.naive_bar_account import Setup
from tests.engine.naive_bar_run import NaiveRun

WISHES, ROWS = [1] * 12 + [2, 3, 3, 4, 5, 6], range(8, 41)


def wish(dice, close):
    """One wish, most of them orders near a close."""
    kind, side, lots = dice.choice(WISHES), dice.choice((BUY, SELL)), dice.randint(1, 9)
    near = max(1, close + dice.randint(-4, 4))
    if kind == 1:
        limit = dice.choice([0, near, near])
        stop = dice.choice([0, 0, close + side * dice.randint(0, 4)])
        tif = dice.choice([0, 0, 0, 0, 1, 2]) if not stop else 0
        return (1, side, lots, limit, max(stop, 0), tif, dice.choice([0, 0, 0, 1, 2]) if not tif else 0)
    if kind == 2:
        return (2, 0, 0, dice.randint(1, 40), 0, 0, 0)
    if kind == 3:
        return (3, 0, dice.randint(0, 9), near, dice.randint(1, 40), 0, 0)
    return (kind, side, dice.randint(0, 9), 0, 0, 0, 0)


def case(seed):
    """Bars in a narrow range, so that everything is met, with volumes that are soon used up; and wishes for each of them."""
    dice = random.Random(seed)
    rows, missing, script, last = [], [], [], dice.randint(60, 110)
    for k in range(dice.choice(ROWS)):
        opened = max(8, last + dice.choice([0, 0, 0, 0, -4, 3, -20, 15] if seed % 3 == 0 else [0, 0, 0, -2, 1]))
        close = max(8, opened + dice.randint(-6, 6))
        high, low = max(opened, close) + dice.randint(0, 4), min(opened, close) - dice.randint(0, 4)
        last = close
        rows.append((opened, high, low, close, dice.randint(0, 40)))
        if k > 1 and dice.random() < 0.1:
            missing.append(k)
        else:
            script.append([wish(dice, close) for _ in range(dice.choice([0, 1, 1, 2, 3]))])
    return (rows, missing), script, [[wish(dice, last) for _ in range(dice.choice([0, 1, 2]))] for _ in range(8)]


@st.composite
def setups(draw):
    """What the venue and the account are."""
    return {
        "contract": draw(st.sampled_from([True, True, False])),
        "price": draw(st.sampled_from(["open", "open", "close"])),
        "limit": draw(st.sampled_from(["through", "touch"])),
        "slippage_bps": draw(st.sampled_from([0.0, 0.0, 70.0])),
        "impact_bps": draw(st.sampled_from([0.0, 0.0, 130.0])),
        "participation": draw(st.sampled_from([None, None, 0.25])),
        "fees": draw(st.sampled_from([(0, 0), (-10_000, 50_000), (100_000, 700_000)])),
        "leverage": draw(st.sampled_from([0.5, 1.0, 2.0, 8.0, 20.0])),
        "margin": draw(st.sampled_from(["cross", "isolated"])),
        "balance": draw(st.sampled_from([300, 1_500, 10_000])),
        "funding": draw(st.lists(st.tuples(st.integers(0, 30), st.integers(-20, 20)), max_size=4, unique_by=lambda p: p[0])),
    }


def engine_and_twin(market, script, replies, how, compiled):
    rows, missing = market
    rates = [(k, per_mille / 1_000) for k, per_mille in sorted(how["funding"])]
    data = bars_of(rows, PERP if how["contract"] else SPOT, missing=missing, funding=rates)
    maker, taker = how["fees"]
    fills = BarFills(**{name: how[name] for name in ("price", "limit", "slippage_bps", "impact_bps", "participation")})
    engine = table_engine(
        data,
        dict(enumerate(script)),
        dict(enumerate(replies)),
        fills=fills,
        account=Account(leverage=how["leverage"], margin=how["margin"]),
        fees=Fees(maker / 1e8, taker / 1e8),
        balance=float(how["balance"]),
        compiled=compiled,
    )
    share = how["participation"]
    setup = Setup(
        balance=how["balance"],
        contract=how["contract"],
        at_close=how["price"] == "close",
        by_touch=how["limit"] == "touch",
        slippage_e12=round(how["slippage_bps"] * 10**8),
        impact_e12=round(how["impact_bps"] * 10**8),
        participation=None if share is None else Fraction(share),
        maker_e8=maker,
        taker_e8=taker,
        leverage=Fraction(how["leverage"]),
        isolated=how["margin"] == "isolated",
        liquidation_e8=1_250_000,
        funding=[(int(p["time_ns"]), int(p["rate_e12"])) for p in data.funding if p["time_ns"] >= START],
    )

    def wishes_of(kind, number):
        table = script if kind == "bar" else replies
        return [w for w in (table[number] if number < len(table) else []) if w[0]]

    columns = [data.rows[name].tolist() for name in BAR.names if name != "buy_lots"]
    order = [name for name in BAR.names if name != "buy_lots"]
    wanted = ["open_ns", "close_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots"]
    places = [order.index(name) for name in wanted]
    twin = NaiveRun([tuple(columns[p][k] for p in places) for k in range(len(data))], setup, wishes_of)
    return engine, twin


def compare(outcome, twin):
    rows = outcome.fills[["local_ns", "order_id", "side", "price_ticks", "qty_lots", "fee_e8", "maker"]].tolist()
    assert [tuple(row) for row in rows] == twin.fills
    assert refusals_of(outcome) == twin.refused
    heard = [
        (int(n["time_ns"]), int(n["code"]), int(n["value"]))
        if n["code"] < 0
        else (
            int(n["time_ns"]),
            int(n["code"]) // 10_000,
            State(int(n["code"]) // 100 % 100).name,
            Reason(int(n["code"]) % 100).name,
            int(n["value"]),
        )
        for n in outcome.notes
    ]
    assert heard == twin.notes
    ends = [
        (int(o["order_id"]), State(int(o["state"])).name, int(o["filled_lots"]), Reason(int(o["reason"])).name)
        for o in sorted(outcome.orders, key=lambda o: o["order_id"])
    ]
    assert ends == [(o.order_id, o.state, o.filled, o.reason) for o in twin.orders]
    position = outcome.world.positions[0]
    assert (position["position_lots"], position["cash"]) == (twin.held, twin.cash)
    assert int(position["fees"]) * 10**8 + int(position["fees_e8"]) == twin.fees_e8
    assert (position["funding"], position["insurance"], position["borrow"]) == (twin.funding, twin.insurance, 0)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), how=setups())
def test_a_run_over_bars_equals_that_of_a_price_that_walks(seed, how):
    market, script, replies = case(seed)
    engine, twin = engine_and_twin(market, script, replies, how, compiled=True)
    outcome = engine.execute()
    compare(outcome, twin.run())
    plain = engine_and_twin(market, script, replies, how, compiled=False)[0].execute()
    assert digest(outcome) == digest(plain)
