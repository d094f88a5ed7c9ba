"""The order-flow simulator against its naive twins: dice, book, tape, and the same seed giving the same bytes."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.kernels.dice import DICE_FIELDS, bell, draw, grown, heavy, seed_dice, uniform
from b25.kernels.orderflow import sample_step
from b25.kernels.orderflow_book import apply_input
from b25.kernels.orderflow_state import CANCEL, INPUT, PLACE, TAKE
from b25.kernels.orderflow_tape import ROWS_SPARE, advance, publish_snapshot
from b25.market.synthetic import START_NS, generate, open_market
from b25.model.event import CLEAR, DEPTH, LAST_OF_MESSAGE, ROW, SNAPSHOT, TRADE
from tests.kernels.naive_orderflow import NaiveBook, Xoshiro, book_of, read_tape

MS = 1_000_000
SEEDS = st.integers(0, 2**64 - 1)


def dice(seed):
    record = np.zeros(1, DICE_FIELDS)
    seed_dice(record[0], seed)
    return record[0]


@given(SEEDS)
def test_the_dice_equal_their_naive_twin(seed):
    state = dice(seed)
    naive = Xoshiro(state[name] for name in state.dtype.names)
    assert [draw(state) for _ in range(50)] == [naive.draw() for _ in range(50)]


def test_the_seed_is_spread_as_splitmix64_spreads_it():
    # The first two numbers of splitmix64 from state 0, as published with java.util.SplittableRandom.
    first, second = 0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4
    assert [int(word) for word in dice(0)] == [first % 2**32, first >> 32, second % 2**32, second >> 32]


def test_the_dice_are_fair_enough():
    state = dice(7)
    even = np.array([uniform(state) for _ in range(20_000)])
    bells = np.array([bell(state) for _ in range(20_000)])
    sizes = np.array([heavy(state, 2.0, 1e9) for _ in range(20_000)])
    assert even.min() > 0.0
    assert even.max() < 1.0
    assert abs(even.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(even[1:], even[:-1])[0, 1]) < 0.03
    assert abs(bells.mean()) < 0.03
    assert abs(bells.std() - 1.0) < 0.03
    assert sizes.min() >= 2.0
    assert np.mean(sizes > 20.0) == pytest.approx(0.1 ** (4 / 3), rel=0.15)
    assert grown(1.0) == pytest.approx(np.e, rel=1e-3)


ORDERS = st.lists(
    st.tuples(
        st.sampled_from([PLACE, PLACE, PLACE, CANCEL, TAKE]),
        st.sampled_from([1, -1]),
        st.integers(600_000 - 12, 600_000 + 12) | st.integers(600_000 - 5_000, 600_000 + 5_000),
        st.integers(1, 9),
    ),
    max_size=80,
)


@given(ORDERS)
def test_the_book_equals_its_naive_twin(orders):
    flow, naive, rows = open_market(1), NaiveBook(), np.zeros(4_000, ROW)
    order = np.zeros(1, INPUT)
    for kind, side, price, lots in orders:
        order[0] = (price, lots, kind, side, -1, (0, 0, 0, 0))
        used = apply_input(flow, order[0], rows, 0)
        filled = {}
        for row in rows[:used]:
            assert (row["kind"], row["side"]) == (TRADE, side)
            assert row["qty_lots"] > 0
            filled[int(row["price_ticks"])] = filled.get(int(row["price_ticks"]), 0) + int(row["qty_lots"])
        assert list(filled.items()) == naive.apply(kind, side, price, lots)
        assert book_of(flow) == naive.levels
        assert flow.state[0]["levels"] == sum(map(len, naive.levels.values()))


@given(SEEDS, st.booleans())
def test_the_tape_rebuilds_the_book_and_keeps_its_numbers_in_a_chain(seed, nervous):
    flow = open_market(seed, jump_per_s=20.0 if nervous else 0.02, jump_ticks_max=2_000.0)
    rows = np.zeros(ROWS_SPARE + 1_000, ROW)
    advance(flow, rows, START_NS + 100 * MS)
    flow.state["publish_ns"] = 0
    advance(flow, rows, START_NS + 101 * MS)
    book = {1: {}, -1: {}}
    (snapshot,) = read_tape(rows[: publish_snapshot(flow, rows)], book)
    assert book == book_of(flow)
    first_id = update_id = int(snapshot["last_id"])
    trade_id, exch_ns, recv_ns = int(flow.state[0]["trade_id"]), 0, 0
    for step in range(102, 250):
        used = advance(flow, rows, START_NS + step * MS)
        for row in read_tape(rows[:used], book):
            if row["kind"] == TRADE:
                assert row["first_id"] == row["last_id"] == trade_id + 1
                assert row["prev_id"] == -1
                assert row["qty_lots"] > 0
                trade_id = int(row["last_id"])
            else:
                assert row["prev_id"] == update_id
                assert update_id < row["first_id"] <= row["last_id"]
                update_id = int(row["last_id"])
                assert book == book_of(flow)
                if book[1] and book[-1]:
                    assert max(book[1]) < min(book[-1])
            assert row["exch_ns"] >= exch_ns
            assert row["recv_ns"] > max(recv_ns, int(row["exch_ns"]))
            exch_ns, recv_ns = int(row["exch_ns"]), int(row["recv_ns"])
        assert (flow.rungs["qty_lots"] >= 0).all()
    assert update_id > first_id


def test_a_message_is_of_one_moment_and_one_kind_and_the_snapshot_comes_first():
    _, rows = generate(3, 2.0, warm_up_s=0.5)
    ends = np.flatnonzero(rows["flags"] & LAST_OF_MESSAGE)
    assert ends[-1] == rows.size - 1
    first = 0
    for i, end in enumerate(ends):
        message = rows[first : end + 1]
        kinds = set(message["kind"].tolist())
        assert kinds == ({CLEAR, SNAPSHOT} if i == 0 else kinds & {DEPTH, TRADE})
        for name in ("exch_ns", "recv_ns", "first_id", "last_id", "prev_id"):
            assert len(set(message[name].tolist())) == 1
        if kinds == {TRADE}:
            assert message.size == 1
        first = end + 1
    assert not rows["pad"].any()
    assert (rows["exch_ns"] % MS == 0).all()


@given(SEEDS, st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_the_pace_of_the_calls_does_not_matter(seed, pauses_ms):
    whole, parts = open_market(seed), open_market(seed)
    rows, pieces = np.zeros(ROWS_SPARE + 4_000, ROW), []
    until_ns = START_NS
    for pause_ms in pauses_ms:
        until_ns += pause_ms * MS
        pieces.append(rows[: advance(parts, rows, until_ns)].copy())
    rows[:] = 0
    assert rows[: advance(whole, rows, until_ns)].tobytes() == np.concatenate(pieces).tobytes()
    assert whole.state.tobytes() == parts.state.tobytes()


def test_a_full_buffer_pauses_the_market_and_loses_nothing():
    whole, parts = open_market(5), open_market(5)
    large, small = np.zeros(ROWS_SPARE + 20_000, ROW), np.zeros(ROWS_SPARE + 1, ROW)
    until_ns, pieces = START_NS + 500 * MS, []
    while parts.state[0]["now_ns"] < until_ns:
        pieces.append(small[: advance(parts, small, until_ns)].copy())
    assert len(pieces) > 5
    assert large[: advance(whole, large, until_ns)].tobytes() == np.concatenate(pieces).tobytes()


def test_sampling_alone_leaves_the_book_to_somebody_else():
    flow = open_market(9)
    advance(flow, np.zeros(ROWS_SPARE + 4_000, ROW), START_NS + 200 * MS)
    before = flow.rungs.tobytes()
    orders = []
    for _ in range(200):
        count = sample_step(flow)
        orders += [order.copy() for order in flow.inputs[:count]]
    assert flow.rungs.tobytes() == before
    assert {int(order["kind"]) for order in orders} >= {PLACE, CANCEL}
    assert all(order["qty_lots"] > 0 for order in orders)


DIGEST = """
import hashlib
from b25.market.synthetic import generate
print(hashlib.sha256(generate(25, 0.8, warm_up_s=0.4)[1].tobytes()).hexdigest())
"""


@pytest.mark.parametrize("disable_jit", ["0", "1"])
def test_another_process_compiled_or_not_gives_the_same_bytes(root, disable_jit):
    here = hashlib.sha256(generate(25, 0.8, warm_up_s=0.4)[1].tobytes()).hexdigest()
    environment = os.environ | {"NUMBA_DISABLE_JIT": disable_jit}
    there = subprocess.run([sys.executable, "-c", DIGEST], cwd=root, env=environment, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here
    other = hashlib.sha256(generate(26, 0.8, warm_up_s=0.4)[1].tobytes()).hexdigest()
    assert other != here
