"""Requests that get no answer, half of one, or one that makes no sense: what is proof, and what is not."""

import asyncio
import socket

import pytest

from b25.venue.port.outcome import Answer, Reaction, Scope
from b25.venue.port.requests import Amendment, OrderRef
from tests.venue.ccxt.recorder import Recorder, Reply, by_path
from tests.venue.ccxt.venues import an_order, venue_at
from tests.venue.conformance.samples.read import samples

ORDER = {"spot": "POST /api/v3/order", "linear": "POST /fapi/v1/order"}


def submitted(kind, reply, **venue):
    async def run():
        async with Recorder(by_path(samples() | {ORDER[kind]: reply})) as recorder, venue_at(recorder, kind, **venue) as port:
            (await port.listings()).must()
            outcome = await port.submit(an_order(kind))
            return outcome, sum(seen.method == "POST" for seen in recorder.seen)

    return asyncio.run(run())


POOR = "Account has insufficient balance for requested action."
FROZEN = "This action is disabled on this account."
HTML = b"<html><body><h1>403 Forbidden</h1></body></html>"


@pytest.mark.parametrize("kind", ["spot", "linear"])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(fault="reset"),
        Reply(body={"symbol": "BTCUSDT", "orderId": 28}, fault="cut"),
        Reply(400, {"code": -2010, "msg": "Account has insufficient balance for requested action."}, fault="cut"),
        Reply(403, HTML, {"Content-Type": "text/html"}),
        Reply(404, HTML, {"Content-Type": "text/html"}),
        Reply(502, HTML, {"Content-Type": "text/html"}),
        Reply(503, b"Service Unavailable", {"Content-Type": "text/plain"}),
        Reply(504, HTML, {"Content-Type": "text/html"}),
        Reply(200, HTML, {"Content-Type": "text/html"}),
        Reply(200, b"", {"Content-Type": "application/json"}),
        Reply(200, b"null"),
        Reply(200, []),
        Reply(200, {}),
        Reply(200, {"symbol": "BTCUSDT"}),
        Reply(500, {"code": -2010, "msg": "Account has insufficient balance for requested action."}),
        Reply(429, HTML, {"Content-Type": "text/html"}),
    ],
    ids=lambda reply: f"{reply.status}{reply.fault}",
)
def test_what_is_no_proof_is_unknown_and_is_sent_once(kind, reply):
    outcome, posts = submitted(kind, reply)
    assert outcome.answer is Answer.UNKNOWN
    assert not outcome.is_definite
    assert posts == 1


def test_an_answer_about_another_order_is_no_answer():
    outcome, posts = submitted("linear", Reply(body=samples()[ORDER["linear"]] | {"clientOrderId": "x-cvBPrNm9somebody"}))
    assert (outcome.answer, outcome.alarm, posts) == (Answer.UNKNOWN, True, 1)


def test_silence_is_unknown():
    outcome, posts = submitted("spot", Reply(fault="silent"), timeout_ms=300)
    assert (outcome.answer, outcome.http, posts) == (Answer.UNKNOWN, 0, 1)


def test_a_refused_connection_is_proof_that_nothing_was_sent():
    async def run():
        async with Recorder(by_path(samples())) as recorder, venue_at(recorder) as port:
            (await port.listings()).must()
            await port.api.session.close()  # the kept connection too
            port.api.session = None
            with socket.socket() as closed:
                closed.bind(("127.0.0.1", 0))
                dead = f"https://demo-api@127.0.0.1:{closed.getsockname()[1]}/api/v3"
                port.api.urls["api"]["private"] = dead
                return await port.submit(an_order())

    assert asyncio.run(run()).answer is Answer.NOT_SENT


@pytest.mark.spec("TL-N1")
def test_a_certificate_that_nobody_vouches_for_is_proof_that_nothing_was_sent():
    async def run():
        async with Recorder(by_path(samples())) as recorder, venue_at(recorder) as port:
            (await port.listings()).must()
            async with venue_at(recorder) as other:
                other.api.cafile = None
                other.api.markets, other.api.markets_by_id = port.api.markets, port.api.markets_by_id
                other._listings = port._listings
                return await other.submit(an_order()), sum(seen.method == "POST" for seen in recorder.seen)

    outcome, posts = asyncio.run(run())
    assert (outcome.answer, posts) == (Answer.NOT_SENT, 0)


def test_a_dead_kept_connection_resends_neither_put_nor_delete():
    """aiohttp would, for methods that it takes for idempotent; to resend is the caller's decision, never a library's."""
    reset = {"DELETE /fapi/v1/order": Reply(fault="reset"), "PUT /fapi/v1/order": Reply(fault="reset")}

    async def run():
        async with Recorder(by_path(samples() | reset)) as recorder, venue_at(recorder, "linear") as port:
            (await port.listings()).must()
            symbol = "BTC/USDT:USDT"
            cancelled = await port.cancel(OrderRef(symbol=symbol, client_id="b25-a"))
            (await port.server_time_ms()).must()
            amended = await port.amend(Amendment(symbol=symbol, client_id="b25-a", side=1, qty_lots=5, price_ticks=400_000))
            return cancelled, amended, [seen.method for seen in recorder.seen if seen.method in ("PUT", "DELETE")]

    cancelled, amended, methods = asyncio.run(run())
    assert (cancelled.answer, amended.answer) == (Answer.UNKNOWN, Answer.UNKNOWN)
    assert methods == ["DELETE", "PUT"]


def test_what_ccxt_itself_refuses_was_not_sent():
    info = samples()["GET /api/v3/exchangeInfo"]
    info["symbols"][0]["orderTypes"].remove("LIMIT")

    async def run():
        async with Recorder(by_path(samples() | {"GET /api/v3/exchangeInfo": info})) as recorder, venue_at(recorder) as port:
            (await port.listings()).must()
            return await port.submit(an_order()), [seen.method for seen in recorder.seen]

    outcome, methods = asyncio.run(run())
    assert (outcome.answer, outcome.alarm) == (Answer.NOT_SENT, True)
    assert "POST" not in methods


def test_answers_of_requests_at_the_same_time_are_not_mixed_up():
    """ccxt keeps one last response for all of them."""
    codes = {"b25-a": (400, -2010), "b25-b": (400, -1021), "b25-c": (503, -1000), "b25-d": (401, -2015)}

    def script(seen):
        if seen.method != "POST":
            return by_path(samples())(seen)
        http, code = next(found for name, found in codes.items() if f"ClientOrderId={name}&" in seen.body.decode())
        return Reply(http, {"code": code, "msg": "Duplicate order sent."})

    async def run():
        async with Recorder(script) as recorder, venue_at(recorder) as port:
            (await port.listings()).must()
            return await asyncio.gather(*(port.submit(an_order(client_id=name)) for name in codes for _ in range(5)))

    outcomes = asyncio.run(run())
    assert [outcome.code for outcome in outcomes] == [code for _, code in codes.values() for _ in range(5)]
    assert [outcome.answer for outcome in outcomes[::5]] == [
        Answer.QUERY,
        Answer.NOT_ACCEPTED,
        Answer.UNKNOWN,
        Answer.NOT_ACCEPTED,
    ]


@pytest.mark.parametrize(
    ("http", "data", "answer", "reaction"),
    [
        (400, ("FAILURE", "NOT_ATTEMPTED", -2011, "Unknown order sent.", None, ""), Answer.QUERY, Reaction.NONE),
        (409, ("SUCCESS", "FAILURE", None, "", -2010, POOR), Answer.QUERY, Reaction.NONE),
        (409, ("SUCCESS", "FAILURE", None, "", -1007, "Timeout waiting for response."), Answer.UNKNOWN, Reaction.NONE),
        (429, ("SUCCESS", "FAILURE", None, "", -1015, "Too many new orders."), Answer.QUERY, Reaction.NONE),
        (400, ("FAILURE", "NOT_ATTEMPTED", -2011, FROZEN, None, ""), Answer.QUERY, Reaction.HALT),
        (400, ("FAILURE", "FAILURE", -1100, "Illegal characters", -1100, "Illegal characters"), Answer.REJECTED, Reaction.NONE),
    ],
)  # fmt: skip
def test_both_halves_of_a_cancel_replace_count(http, data, answer, reaction):
    cancel, new, cancel_code, cancel_msg, new_code, new_msg = data
    body = {
        "code": -2022 if cancel == "FAILURE" else -2021,
        "msg": "Order cancel-replace failed.",
        "data": {
            "cancelResult": cancel,
            "newOrderResult": new,
            "cancelResponse": {"code": cancel_code, "msg": cancel_msg} if cancel_code else {"symbol": "BTCUSDT", "orderId": 9},
            "newOrderResponse": {"code": new_code, "msg": new_msg} if new_code else None,
        },
    }

    async def run():
        table = samples() | {"POST /api/v3/order/cancelReplace": Reply(http, body)}
        async with Recorder(by_path(table)) as recorder, venue_at(recorder) as port:
            (await port.listings()).must()
            return await port.amend(
                Amendment(symbol="BTC/USDT", client_id="b25-a", new_client_id="b25-b", side=1, qty_lots=1000, price_ticks=400_000)
            )

    outcome = asyncio.run(run())
    assert (outcome.answer, outcome.reaction) == (answer, reaction)
    assert outcome.scope is (Scope.ACCOUNT if reaction is Reaction.HALT else Scope.NONE)


def test_cancelling_all_of_nothing_is_done_but_a_frozen_account_is_not():
    def answered(msg):
        async def run():
            refusal = Reply(400, {"code": -2011, "msg": msg})
            table = samples() | {"DELETE /api/v3/openOrders": refusal}
            async with Recorder(by_path(table)) as recorder, venue_at(recorder) as port:
                (await port.listings()).must()
                return await port.cancel_all("BTC/USDT")

        return asyncio.run(run())

    assert answered("Unknown order sent.").answer is Answer.ACCEPTED
    frozen = answered("This action is disabled on this account.")
    assert (frozen.answer, frozen.scope, frozen.reaction) == (Answer.QUERY, Scope.ACCOUNT, Reaction.HALT)


def test_a_key_revoked_in_mid_run_halts_though_ccxt_calls_it_a_rate_limit():
    replies = iter(
        [
            Reply(body=samples()[ORDER["spot"]]),
            Reply(401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}),
        ]
    )

    async def run():
        def script(seen):
            return next(replies) if seen.method == "POST" else by_path(samples())(seen)

        async with Recorder(script) as recorder, venue_at(recorder) as port:
            (await port.listings()).must()
            return [await port.submit(an_order()) for _ in range(2)]

    first, second = asyncio.run(run())
    assert first.answer is Answer.ACCEPTED
    assert (second.answer, second.scope, second.reaction) == (Answer.NOT_ACCEPTED, Scope.ACCOUNT, Reaction.HALT)
