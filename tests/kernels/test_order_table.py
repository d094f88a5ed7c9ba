"""The table of live orders against a dict: ids that collide, a full table, lists in order of submission."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from b25.engine.world import make_world
from b25.kernels.order_table import add_order, drop_order, find_order
from b25.model.event import BUY, SELL
from b25.model.instrument import Instrument
from b25.model.order import ORDER, State
from b25.risk.limits import Limits

SIZE = 8


def small_world():
    """Two instruments and a table of eight slots."""
    one = Instrument(venue="sim", symbol="ONE/USD", tick="1", lot="1")
    limits = np.concatenate([Limits().record(one)] * 2)
    world = make_world([one, one], limits, depth_kept=False, balance=0.0)
    world.orders = np.zeros(SIZE, ORDER)
    world.open_door(depth_kept=False, balance=0.0)
    return world


def listed(world, instrument, side):
    """Ids along a list, walked forward; its links and count must agree with the walk backward."""
    ends, orders = world.lives[instrument, 0 if side == BUY else 1], world.orders
    forward, slot = [], int(ends["first"]) if ends["count"] else -1
    while slot >= 0:
        forward.append(int(orders[slot]["order_id"]))
        slot = int(orders[slot]["next"])
    backward, slot = [], int(ends["last"]) if ends["count"] else -1
    while slot >= 0:
        backward.append(int(orders[slot]["order_id"]))
        slot = int(orders[slot]["prev"])
    assert backward == forward[::-1]
    assert ends["count"] == len(forward)
    return forward


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(
                st.just("add"), st.sampled_from([1, 1, 1, 2, SIZE - 1, SIZE]), st.integers(0, 1), st.sampled_from([BUY, SELL])
            ),
            st.tuples(st.just("drop"), st.integers(0, SIZE), st.just(0), st.just(0)),
        ),
        max_size=80,
    )
)
def test_the_table_finds_what_a_dict_finds(steps):
    world = small_world()
    ctx = world.context[0]
    live: dict[int, tuple[int, int]] = {}
    gone: list[int] = []
    order_id = 0
    for what, number, instrument, side in steps:
        if what == "add":
            if len(live) == SIZE:
                continue
            order_id += number
            slot = add_order(ctx, order_id, instrument, side)
            world.orders[slot]["state"] = State.CREATED
            live[order_id] = (instrument, side)
        elif live:
            chosen = sorted(live)[number % len(live)]
            drop_order(ctx, find_order(ctx, chosen))
            del live[chosen]
            gone.append(chosen)
        for known in live:
            assert world.orders[find_order(ctx, known)]["order_id"] == known
        for lost in [*gone, order_id + 1, 0]:
            assert find_order(ctx, lost) == -1
        assert world.head[0]["live_orders"] == len(live)
        for i in (0, 1):
            for s in (BUY, SELL):
                assert listed(world, i, s) == [k for k, terms in live.items() if terms == (i, s)]


def test_a_full_table_still_finds_every_order():
    world = small_world()
    ctx = world.context[0]
    ids = [k * SIZE for k in range(1, SIZE + 1)]  # all of them want slot 0
    for order_id in ids:
        world.orders[add_order(ctx, order_id, 0, BUY)]["state"] = State.OPEN
    assert [int(world.orders[find_order(ctx, k)]["order_id"]) for k in ids] == ids
    assert find_order(ctx, 99 * SIZE) == -1


def test_an_emptied_table_has_the_bytes_of_a_fresh_one():
    world = small_world()
    ctx = world.context[0]
    for order_id in range(1, 7):
        slot = add_order(ctx, order_id, order_id % 2, BUY if order_id % 3 else SELL)
        world.orders[slot]["state"] = State.OPEN
        world.orders[slot]["price_ticks"] = 7
    for order_id in (3, 1, 6, 2, 5, 4):
        drop_order(ctx, find_order(ctx, order_id))
    assert world.orders.tobytes() == bytes(world.orders.nbytes)
