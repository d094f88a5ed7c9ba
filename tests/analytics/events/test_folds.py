"""Orders and days, folded from events: the same whatever the order in which they come, and exact."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.analytics.events.buckets import DAY_NS
from b25.analytics.events.event import DomainEvent, checked
from b25.analytics.events.order_fold import derived, folded, new_order, order_key
from b25.analytics.events.performance_fold import new_day, performance_key, performed
from b25.analytics.events.sampling import EVERY_NS, FRESH_NS, Sampler, Told
from b25.model.errors import Misuse

ORDER = {"venue": "v", "client_id": "c1", "side": "buy", "type": "LIMIT", "quantity": "2", "price": "100"}


def of_order(kind, at, **more):
    facts = {**ORDER, "filled": "0", "status": "NEW", "receive_ns": at, "intent_ns": 1_000_000, **more}
    return DomainEvent(id=f"{kind}{at}", type=kind, time_ns=at, account="a", strategy="s", symbol="BTC", properties=facts)


def of_fill(number, quantity, price, **more):
    facts = {
        "venue": "v", "client_id": "c1", "side": "buy", "quantity": quantity, "price": price, "fee": "0.1", "fee_asset": "USDT",
        "is_maker": True, "realised": None, "is_synthetic": False, "mid": "99", **more,
    }  # fmt: skip
    return DomainEvent(
        id=f"f{number}", type="fill.executed", time_ns=DAY_NS + number, account="a", strategy="s", symbol="BTC", properties=facts
    )


STORY = [
    of_order("order.created", 3_000_000, mid="98"), of_fill(1, "0.5", "100"), of_fill(2, "1.5", "101", is_maker=False),
    of_order("order.updated", 4_000_000, filled="0.5", status="PARTIALLY_FILLED"),
    of_order("order.filled", 5_000_000, filled="2", status="FILLED"),
]  # fmt: skip


def fold(story):
    row = new_order(story[0])
    for event in story:
        row = folded(row, event)
    return row


@pytest.mark.spec("AN-05")
@given(st.permutations(STORY))
def test_an_order_is_the_same_in_whatever_order_its_events_come(story):
    assert fold(story) == fold(STORY)


@pytest.mark.spec("AN-05")
def test_what_an_order_came_to():
    row = fold(STORY)
    assert (row["status"], row["filled"], row["notional"], row["fees"]) == ("FILLED", "2", "201.5", '{"USDT":"0.2"}')
    told = derived(row)
    assert told["average_price"] == "100.75"
    assert told["maker_share"] == 0.25
    assert told["slippage_bps"] == pytest.approx((201.5 - 198) / 198 * 1e4)
    assert told["shortfall"] == "5.5"
    assert (told["ack_ms"], told["fill_ms"]) == (2.0, 3.0)


def test_what_is_not_known_of_an_order_is_not_made_up():
    row = fold([of_order("order.created", 3_000_000, intent_ns=None), of_fill(1, "1", "100", mid=None, is_maker=None)])
    told = derived(row)
    assert {told[name] for name in ("slippage_bps", "shortfall", "ack_ms", "maker_share")} == {None}


def test_a_supposed_fill_is_of_no_order_until_the_real_one_comes():
    event = of_fill(1, "1", "100", is_synthetic=True)
    assert order_key(event) is None
    assert performance_key(event) is None


amounts = st.decimals("-1000", "1000", places=8).map(str)


@pytest.mark.spec("AN-08", "AM-N8")
@given(st.lists(st.tuples(amounts, st.integers(1, 9)), min_size=1, max_size=20))
def test_a_day_is_the_exact_sum_of_its_fills(told):
    events = [of_fill(i, str(quantity), "3.3", realised=amount) for i, (amount, quantity) in enumerate(told)]
    row = new_day(performance_key(events[0]))
    for event in events:
        row = performed(row, event)
    assert Decimal(row["realised"]) == sum(Decimal(amount) for amount, _ in told)
    assert Decimal(row["volume"]) == sum(Decimal("3.3") * quantity for _, quantity in told)
    assert Decimal(row["won"]) - Decimal(row["lost"]) == Decimal(row["realised"])
    assert row["wins"] + row["losses"] == row["closing"] == sum(Decimal(amount) != 0 for amount, _ in told)


@pytest.mark.spec("AM-14")
def test_samples_lie_on_the_half_minute_and_a_silent_session_has_none():
    sampler = Sampler()
    assert sampler.due(EVERY_NS + 5) is None
    assert sampler.due(2 * EVERY_NS - 1) is None
    sampler.note("loud", "balance", Told(2 * EVERY_NS - 7, "a", {"asset": "USDT", "equity": "10.5"}))
    sampler.note("silent", "balance", Told(2 * EVERY_NS - FRESH_NS - 1, "a", {"asset": "USDT", "equity": "7"}))
    at_ns = sampler.due(2 * EVERY_NS + 3)
    assert at_ns == 2 * EVERY_NS
    worth, held = sampler.sample(at_ns)
    assert [(row["session"], row["equity"], row["realised"], row["reason"]) for row in worth] == [
        ("loud", "10.5", None, "interval")
    ]
    assert held == []
    assert sampler.due(9 * EVERY_NS + 3) == 9 * EVERY_NS  # what was slept through is left out
    sampler.note("loud", "balance", Told(DAY_NS - 1, "a", {"asset": "USDT", "equity": None}))
    assert sampler.sample(DAY_NS)[0][0]["reason"] == "day"


@pytest.mark.spec("AN-02")
@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "Bad Type"}, {"id": ""}, {"id": "x" * 513}, {"time_ns": -1}, {"session": "\0"},
        {"properties": {str(i): 1 for i in range(51)}}, {"properties": {"p": "x" * 1_023}}, {"properties": {"p": object()}},
        {"properties": {"": 1}},
    ],
)  # fmt: skip
def test_an_event_that_is_too_large_or_strange_is_refused(wrong):
    right = {"id": "i", "type": "custom.thing", "time_ns": 1, "properties": {"p": "x" * 1_022}}
    checked(DomainEvent(**right))
    with pytest.raises(Misuse):
        checked(DomainEvent(**{**right, **wrong}))
