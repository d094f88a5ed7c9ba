"""Budgets: nine tenths for normal traffic, the rest for cancels; after a 429 five cancels; after a 418 only a person."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.venue.ccxt.budgets import BinanceCosts, binance_limiter, ccxt_limiter, retry_after_s
from b25.venue.ccxt.limiter import SECOND_NS, Family, Lane, Limiter, Window
from b25.venue.ccxt.trail import Exchanged
from b25.venue.port.outcome import Answer, Reaction
from b25.venue.port.requests import OrderRef
from tests.venue.ccxt.recorder import Recorder, Reply, by_path
from tests.venue.ccxt.venues import an_order, venue_at
from tests.venue.conformance.samples.read import samples

MINUTE_NS = 60 * SECOND_NS


def limiter(weight=100.0, orders=1000.0):
    return Limiter({"main": Family(Window(weight, MINUTE_NS), [Window(orders, 10 * SECOND_NS, 0.0)])})


def take(it, now_ns, weight=1.0, lane=Lane.NORMAL, is_order=False):
    return it.take(now_ns, "main", weight, is_order=is_order, lane=lane)


def test_normal_traffic_stops_at_nine_tenths_and_cancels_go_on():
    it = limiter()
    assert [take(it, 0) for _ in range(90)] == [0] * 90
    assert take(it, 0) > 0
    assert [take(it, 0, lane=Lane.CANCEL) for _ in range(10)] == [0] * 10
    assert take(it, 0, lane=Lane.CANCEL) > 0


def test_a_refusal_tells_when_it_will_fit_and_counts_nothing():
    it = limiter()
    for second in range(90):
        assert take(it, second * SECOND_NS // 3) == 0
    now_ns = 30 * SECOND_NS
    wait_ns = take(it, now_ns)
    assert 0 < wait_ns <= 30 * SECOND_NS
    assert take(it, now_ns + wait_ns - 1) > 0
    assert take(it, now_ns + wait_ns) == 0


@given(st.lists(st.tuples(st.integers(0, 5 * SECOND_NS), st.integers(1, 30), st.sampled_from(Lane)), max_size=200))
def test_no_sliding_window_ever_holds_more_than_its_limit(requests):
    it, now_ns, sent = limiter(), 0, []
    for gap_ns, weight, lane in requests:
        now_ns += gap_ns
        if take(it, now_ns, weight, lane) == 0:
            sent.append((now_ns, weight, lane))
    for end_ns, _, lane in sent:
        within = sum(weight for at_ns, weight, _ in sent if end_ns - MINUTE_NS < at_ns <= end_ns)
        assert within <= 100
        if lane is Lane.NORMAL:
            before = [weight for at_ns, weight, _ in sent if end_ns - MINUTE_NS < at_ns < end_ns]
            assert sum(before) <= 100


def test_orders_have_windows_of_their_own():
    it = limiter(orders=5)
    assert [take(it, 0, is_order=True) for _ in range(5)] == [0] * 5
    assert take(it, 0, is_order=True) == 10 * SECOND_NS
    assert take(it, 0) == 0


def test_what_costs_more_than_the_share_passes_an_empty_window():
    it = limiter(weight=10)
    assert take(it, 0, 10) == 0
    assert take(it, 1, 10) > 0


def test_after_a_429_only_five_cancels_go_until_retry_after_is_over():
    it = limiter()
    it.answered(0, 429, 7)
    assert take(it, SECOND_NS) == 6 * SECOND_NS
    assert [take(it, SECOND_NS, lane=Lane.CANCEL) for _ in range(5)] == [0] * 5
    assert take(it, 2 * SECOND_NS, lane=Lane.CANCEL) == 5 * SECOND_NS
    assert take(it, 7 * SECOND_NS) == 0
    it.answered(8 * SECOND_NS, 429, 7)
    assert take(it, 9 * SECOND_NS, lane=Lane.CANCEL) == 0


def test_a_429_without_a_time_stops_for_half_a_minute():
    it = limiter()
    it.answered(0, 429, 0.0)
    assert take(it, 1) == 30 * SECOND_NS - 1


def test_after_a_418_only_a_person_resumes():
    it = limiter()
    it.answered(0, 418, 120)
    assert take(it, SECOND_NS, lane=Lane.CANCEL) > 0
    assert take(it, 500 * SECOND_NS) > 0
    assert take(it, 500 * SECOND_NS, lane=Lane.CANCEL) == 0
    it.resume()
    assert take(it, 500 * SECOND_NS) == 0


def test_the_venue_is_believed_when_it_counts_more():
    it = binance_limiter()
    costs = BinanceCosts()
    answer = Exchanged("GET", "https://api.binance.com/api/v3/time", 200, {"x-mbx-used-weight-1m": "5400"})
    costs.watch(it, 0, answer)
    assert take(it, SECOND_NS) > 0
    assert take(it, SECOND_NS, lane=Lane.CANCEL) == 0
    less = Exchanged("GET", "https://api.binance.com/api/v3/time", 200, {"X-MBX-USED-WEIGHT-1M": "12"})
    costs.watch(it, 2 * SECOND_NS, less)
    assert take(it, 2 * SECOND_NS) == 0
    orders = {"X-MBX-ORDER-COUNT-10S": "50", "X-MBX-ORDER-COUNT-1D": "77"}
    costs.watch(it, 2 * SECOND_NS, Exchanged("POST", "https://api.binance.com/api/v3/order", 200, orders))
    assert take(it, 3 * SECOND_NS, is_order=True) == 9 * SECOND_NS


@pytest.mark.parametrize(
    ("method", "path", "params", "weight"),
    [
        ("GET", "depth", {"limit": 100}, 5),
        ("GET", "depth", {"limit": 1000}, 50),
        ("GET", "depth", {"limit": 5000}, 250),
        ("GET", "openOrders", {}, 80),
        ("GET", "openOrders", {"symbol": "BTCUSDT"}, 6),
        ("GET", "myTrades", {"symbol": "BTCUSDT"}, 20),
        ("GET", "myTrades", {"symbol": "BTCUSDT", "orderId": 1}, 5),
        ("GET", "order", {}, 4),
        ("POST", "order", {}, 1),
        ("DELETE", "order", {}, 1),
    ],
)
def test_weights_are_the_published_ones(method, path, params, weight):
    family, its_weight, is_order = BinanceCosts().cost("private", method, path, params, 99.0)
    assert (family, its_weight, is_order) == ("main", weight, method == "POST")


def test_exchange_info_sets_the_limits():
    it = binance_limiter()
    body = b'{"rateLimits":[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":7}]}'.decode()
    BinanceCosts().watch(it, 0, Exchanged("GET", "https://demo-api@127.0.0.1/api/v3/exchangeInfo", 200, {}, body))
    assert [take(it, 0, is_order=True) for _ in range(8)].count(0) == 7


def test_other_venues_have_what_ccxt_lets_through_in_ten_seconds():
    it = ccxt_limiter(1000.0)
    assert [take(it, 0) for _ in range(12)].count(0) == 9


def test_retry_after_is_a_number_or_a_date():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert retry_after_s("17") == 17
    assert retry_after_s("Thu, 01 Jan 2026 00:00:09 GMT", now=now) == 9
    assert retry_after_s("soon") == 0


def test_a_gateway_stops_itself_after_a_429_and_still_cancels():
    table = samples() | {"POST /api/v3/order": Reply(429, {"code": -1015, "msg": "Too many new orders."}, {"Retry-After": "9"})}

    async def run():
        async with Recorder(by_path(table)) as recorder, venue_at(recorder, patience_s=0.0) as port:
            (await port.listings()).must()
            first, second = await port.submit(an_order()), await port.submit(an_order())
            read = await port.balances()
            ref = OrderRef(symbol="BTC/USDT", client_id="b25-a")
            cancels = [await port.cancel(ref) for _ in range(6)]
            return first, second, read, cancels, [f"{seen.method} {seen.path}" for seen in recorder.seen]

    first, second, read, cancels, seen = asyncio.run(run())
    assert (first.answer, first.retry_after_s) == (Answer.NOT_ACCEPTED, 9.0)
    assert (second.answer, read.answer) == (Answer.NOT_SENT, Answer.NOT_SENT)
    assert 8 < second.retry_after_s <= 9
    assert [cancel.answer for cancel in cancels] == [Answer.ACCEPTED] * 5 + [Answer.NOT_SENT]
    assert seen.count("POST /api/v3/order") == 1
    assert seen.count("DELETE /api/v3/order") == 5


def test_a_ban_halts_the_account_and_sends_nothing_more():
    ban = Reply(418, {"code": -1003, "msg": "Way too much request weight used; IP banned until 1."}, {"Retry-After": "120"})

    async def run():
        async with Recorder(by_path(samples() | {"GET /api/v3/account": ban})) as recorder, venue_at(recorder) as port:
            (await port.listings()).must()
            banned = await port.balances()
            sent = len(recorder.seen)
            after = await port.submit(an_order()), await port.cancel(OrderRef(symbol="BTC/USDT", client_id="b25-a"))
            return banned, after, len(recorder.seen) - sent

    banned, after, sent = asyncio.run(run())
    assert (banned.answer, banned.reaction) == (Answer.NOT_SENT, Reaction.HALT)
    assert [outcome.answer for outcome in after] == [Answer.NOT_SENT] * 2
    assert sent == 0


def test_a_read_waits_for_budget_and_an_order_does_not():
    slept = []
    now = [0]

    async def sleep(seconds):
        slept.append(seconds)
        now[0] += int(seconds * 1e9)

    async def run():
        own = binance_limiter()
        async with (
            Recorder(by_path(samples())) as recorder,
            venue_at(recorder, limiter=own, now_ns=lambda: now[0], sleep=sleep) as port,
        ):
            (await port.listings()).must()
            own.families["main"].weight = Window(20, 3 * SECOND_NS)
            first, second, order = await port.balances(), await port.balances(), await port.submit(an_order())
            return first, second, order

    first, second, order = asyncio.run(run())
    assert (first.answer, second.answer, order.answer) == (Answer.ACCEPTED, Answer.ACCEPTED, Answer.NOT_SENT)
    assert slept == [3.0]
