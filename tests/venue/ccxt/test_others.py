"""Bybit, OKX and Kraken: what ccxt signs and sends for b25's requests, and what b25 makes of the documented answers."""

import asyncio

import orjson
import pytest

from b25.venue.port.outcome import Answer, Reaction, Scope
from b25.venue.port.requests import NewOrder, OrderRef
from tests.venue.ccxt.others import FIXTURES, OTHERS, SIGNED_MS, record, text
from tests.venue.ccxt.recorder import Recorder, Reply, by_path, load
from tests.venue.ccxt.signatures import KEY, PASSPHRASE, SECRET
from tests.venue.ccxt.venues import venue_at

SUBMIT = {
    "bybit": "POST /v5/order/create",
    "okx": "POST /api/v5/trade/batch-orders",
    "kraken": "POST /0/private/AddOrder",
}
CANCEL = {"bybit": "POST /v5/order/cancel", "okx": "POST /api/v5/trade/cancel-order", "kraken": "POST /0/private/CancelOrder"}


def recorded(exchange):
    return orjson.loads((FIXTURES / f"recorded_{exchange}.json").read_bytes())


@pytest.mark.parametrize("exchange", OTHERS)
def test_requests_signatures_and_reports_are_as_recorded(exchange):
    assert text(asyncio.run(record(exchange))) == (FIXTURES / f"recorded_{exchange}.json").read_bytes()


def one(exchange, name):
    return recorded(exchange)[name]


@pytest.mark.parametrize("exchange", OTHERS)
def test_what_a_person_reads_off_the_documents_is_what_is_recorded(exchange):
    """The recording itself is checked by hand where money hangs on it."""
    _, symbol, client_id, venue_id = OTHERS[exchange]
    submitted = one(exchange, "submit_limit")
    assert submitted["answer"] == "ACCEPTED"
    assert (submitted["value"][0]["client_id"], submitted["value"][0]["venue_id"]) == (client_id, venue_id)
    assert client_id in submitted["sent"][-1]["body"]
    found = one(exchange, "order_by_venue_id")["value"][0]
    filled = {"bybit": ("1.000", "0.05"), "okx": ("100", "5"), "kraken": ("1.25000000", "0.37500000")}[exchange]
    assert (found["symbol"], found["state"], (found["qty"], found["filled"])) == (symbol, "3", filled)
    (trade,) = one(exchange, "trades")["value"]
    money = {"bybit": ("40000", "0.071409", "USDT"), "okx": ("40000", "0.4", "USDT"), "kraken": ("37500.0", "22.5", "USD")}
    assert (trade["price"], trade["fee"], trade["fee_asset"]) == money[exchange]
    assert trade["maker"] == "True"
    tick = {"bybit": ("0.10", "0.001", "1"), "okx": ("0.1", "0.01", "0.01"), "kraken": ("0.1", "1E-8", "1")}[exchange]
    (instrument,) = one(exchange, "listings")["value"]
    assert (instrument["tick"], instrument["lot"], instrument["contract_size"]) == tick


@pytest.mark.parametrize("exchange", OTHERS)
def test_a_cancel_names_one_order_by_one_id(exchange):
    _, _, client_id, venue_id = OTHERS[exchange]
    for name, wanted, other in (("venue_id", venue_id, client_id), ("client_id", client_id, venue_id)):
        body = one(exchange, f"cancel_by_{name}")["sent"][-1]["body"]
        assert wanted in body
        assert other not in body
        assert "None" not in body
        assert "null" not in body
    names = {"bybit": '"orderLinkId"', "okx": '"clOrdId"', "kraken": "cl_ord_id="}
    assert names[exchange] in one(exchange, "cancel_by_client_id")["sent"][-1]["body"]


def test_krakens_cancel_all_of_a_symbol_does_not_cancel_the_account():
    sent = [request["request"] for request in one("kraken", "cancel_all")["sent"]]
    assert sent == ["POST /0/private/OpenOrders HTTP/1.1", "POST /0/private/CancelOrder HTTP/1.1"]


def submitted(exchange, reply, method="submit", **more):
    kind, symbol, client_id, _ = OTHERS[exchange]
    name = SUBMIT[exchange] if method == "submit" else CANCEL[exchange]

    async def run():
        answers = load(FIXTURES / f"answers_{exchange}.json") | {name: reply}
        keys = {"key": KEY, "secret": SECRET, "password": PASSPHRASE, "patience_s": 0.0}
        async with Recorder(by_path(answers)) as recorder, venue_at(recorder, kind, exchange, **keys, **more) as port:
            (await port.listings()).must()
            order = NewOrder(symbol=symbol, client_id=client_id, side=1, qty_lots=1000, price_ticks=400_000, sign_ms=SIGNED_MS)
            ref = OrderRef(symbol=symbol, client_id=client_id)
            outcome = await (port.submit(order) if method == "submit" else port.cancel(ref))
            return outcome, [seen for seen in recorder.seen if f"{seen.method} {seen.path}" == name]

    return asyncio.run(run())


@pytest.mark.parametrize("exchange", OTHERS)
@pytest.mark.parametrize(
    "reply",
    [
        Reply(fault="reset"),
        Reply(body={"a": "b"}, fault="cut"),
        Reply(502, b"<html>bad gateway</html>"),
        Reply(403, b"<html>denied</html>"),
        Reply(500, {"retCode": 10001, "error": [], "code": "1"}),
        Reply(200, b"<html>login</html>"),
        Reply(200, {"retCode": 0, "error": [], "code": "0", "result": {}, "data": []}),
    ],
    ids=lambda reply: f"{reply.status}{reply.fault}",
)
def test_what_is_no_proof_is_unknown(exchange, reply):
    outcome, sent = submitted(exchange, reply)
    assert (outcome.answer, len(sent)) == (Answer.UNKNOWN, 1)


def okx_says(code, message):
    return {"code": "1", "msg": "", "data": [{"sCode": code, "sMsg": message}]}


REFUSALS = [
    ("bybit", "submit", {"retCode": 110007, "retMsg": "CheckMarginRatio fail! InsufficientAB", "result": {}}, Answer.REJECTED),
    ("bybit", "submit", {"retCode": 10003, "retMsg": "API key is invalid.", "result": {}}, Answer.NOT_ACCEPTED),
    ("bybit", "submit", {"retCode": 10016, "retMsg": "Server error.", "result": {}}, Answer.UNKNOWN),
    ("bybit", "submit", {"retCode": 987654, "retMsg": "Nobody knows.", "result": {}}, Answer.UNKNOWN),
    ("bybit", "cancel", {"retCode": 110001, "retMsg": "Order does not exist", "result": {}}, Answer.QUERY),
    ("okx", "submit", okx_says("51008", "Order failed. Insufficient USDT"), Answer.REJECTED),
    ("okx", "submit", {"code": "50111", "msg": "Invalid OK-ACCESS-KEY", "data": []}, Answer.NOT_ACCEPTED),
    ("okx", "submit", {"code": "50004", "msg": "Endpoint request timeout", "data": []}, Answer.UNKNOWN),
    ("okx", "cancel", okx_says("51400", "Cancellation failed as the order does not exist."), Answer.QUERY),
    ("kraken", "submit", {"error": ["EOrder:Insufficient funds"]}, Answer.REJECTED),
    ("kraken", "submit", {"error": ["EAPI:Invalid nonce"]}, Answer.NOT_ACCEPTED),
    ("kraken", "submit", {"error": ["EService:Unavailable"]}, Answer.UNKNOWN),
    ("kraken", "submit", {"error": ["EGeneral:Internal error"]}, Answer.UNKNOWN),
    ("kraken", "cancel", {"error": ["EOrder:Unknown order"]}, Answer.QUERY),
]  # fmt: skip


@pytest.mark.parametrize(("exchange", "method", "body", "answer"), REFUSALS)
def test_a_business_error_counts_only_when_the_venue_said_so(exchange, method, body, answer):
    outcome, sent = submitted(exchange, Reply(body=body), method)
    assert (outcome.answer, len(sent)) == (answer, 1)


def test_an_invalid_key_halts_the_account():
    outcome, _ = submitted("okx", Reply(body={"code": "50111", "msg": "Invalid OK-ACCESS-KEY", "data": []}))
    assert (outcome.scope, outcome.reaction) == (Scope.ACCOUNT, Reaction.HALT)


@pytest.mark.parametrize(
    ("exchange", "header", "value"),
    [("bybit", "X-BAPI-TIMESTAMP", str(SIGNED_MS)), ("okx", "OK-ACCESS-TIMESTAMP", "2023-11-14T22:13:20.123Z")],
)
def test_the_time_of_signing_is_the_callers_where_a_signature_holds_one(exchange, header, value):
    _, (seen,) = submitted(exchange, Reply(body=load(FIXTURES / f"answers_{exchange}.json")[SUBMIT[exchange]]))
    assert seen.headers[header] == value


def test_an_id_that_the_venue_does_not_take_is_not_sent():
    async def run():
        async with (
            Recorder(by_path(load(FIXTURES / "answers_okx.json"))) as recorder,
            venue_at(recorder, "linear", "okx", password=PASSPHRASE) as port,
        ):
            (await port.listings()).must()
            before = len(recorder.seen)
            order = NewOrder(symbol="BTC/USDT:USDT", client_id="b25-a-b-1", side=1, qty_lots=1, price_ticks=400_000)
            return await port.submit(order), len(recorder.seen) - before

    outcome, sent = asyncio.run(run())
    assert (outcome.answer, outcome.alarm, sent) == (Answer.NOT_SENT, True, 0)
