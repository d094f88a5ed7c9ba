"""Whatever a venue answers, the port returns an outcome, and garbage is never taken for proof."""

import asyncio

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.venue.ccxt.classify import Failure, classify
from b25.venue.port.outcome import Answer, Outcome
from b25.venue.port.requests import OrderRef
from tests.venue.ccxt.recorder import Recorder, Reply, by_path
from tests.venue.ccxt.venues import an_order, venue_at
from tests.venue.conformance.samples.read import samples

SCALARS = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=12)
NAMES = st.sampled_from(
    ["code", "msg", "data", "symbol", "orderId", "status", "side", "price", "origQty", "fills", "success", "x"]
)
BODIES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6), max_leaves=12
)
CODES = st.integers(-9999, 10) | st.none() | st.text(max_size=5) | st.booleans()


@given(st.sampled_from(["spot", "linear"]), st.integers(100, 599), CODES, SCALARS, BODIES)
def test_every_answer_has_a_class(market, http, code, msg, data):
    body = {"code": code, "msg": msg, "data": data}
    outcome = classify(Failure(market, "POST", http, body, orjson.dumps(body).decode()))
    assert isinstance(outcome, Outcome)
    if http >= 500 and market == "spot":
        assert not outcome.is_definite
    if not isinstance(code, int) and 200 <= http < 300:
        assert not outcome.is_definite or str(code).lstrip("-").isdigit()


@given(st.sampled_from(["spot", "linear"]), st.integers(200, 599), BODIES.filter(lambda body: not isinstance(body, dict)))
def test_what_is_no_object_proves_nothing(market, http, body):
    assert classify(Failure(market, "POST", http, body)).answer is Answer.UNKNOWN


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from([200, 400, 404, 409, 500, 503]), BODIES), min_size=10, max_size=20),
    st.sampled_from(["spot", "linear"]),
)
def test_no_answer_makes_the_port_raise_and_no_done_request_a_failure(replies, kind):
    symbol = {"spot": "BTC/USDT", "linear": "BTC/USDT:USDT"}[kind]
    ref = OrderRef(symbol=symbol, client_id="b25-a")

    async def run():
        queue = iter(replies * 10)

        def script(seen):
            if seen.path.endswith("/exchangeInfo"):
                return by_path(samples())(seen)
            http, body = next(queue)
            return Reply(http, orjson.dumps(body))

        async with Recorder(script) as recorder, venue_at(recorder, kind) as port:
            (await port.listings()).must()
            found = []
            for _ in range(2):
                asks = [port.cancel(ref), port.order(ref), port.open_orders(symbol), port.all_orders(symbol), port.trades(symbol)]
                asks += [port.balances(), port.positions(), port.fees(symbol), port.quote(symbol), port.server_time_ms()]
                asks += [port.cancel_all(symbol), port.funding_rate(symbol)]
                found += [await ask for ask in asks]
                before = len(recorder.seen)
                outcome = await port.submit(an_order(kind))
                sent = len(recorder.seen) - before
                found.append(outcome)
                assert sent <= 1
                if outcome.http == 200 and outcome.code is None:
                    assert outcome.answer in (Answer.ACCEPTED, Answer.UNKNOWN)
            return found

    assert all(isinstance(outcome, Outcome) for outcome in asyncio.run(run()))
