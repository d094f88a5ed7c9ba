"""What the client sends for an operation and makes of an answer; reads are asked again, writes never."""

import asyncio
import pickle
import subprocess
import sys

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.client import AsyncClient, Client, connect
from b25.client.call import Operation, answer_of, call_of, operations, operations_of
from b25.client.generate import OUTPUT, written
from b25.client.live import LiveThread
from b25.model.errors import Halt, Misuse, Resync, Retry
from tests.style import LINES_MAX

READ = Operation("read", "GET", "/api/v1/things/{thing_id}", ("limit", "deep"), "")
WRITE = Operation("write", "POST", "/api/v1/things", (), "json")
HERE = "http://127.0.0.1:1"
SECRET = "b25_abc_canary"  # noqa: S105 - of this test


@pytest.mark.spec("GW-16")
def test_the_table_is_what_the_server_describes():
    from b25.api.describe import description

    text = written(description())
    assert OUTPUT.read_text(encoding="utf-8") == text, "run python -m b25.client.generate"
    assert text.count("\n") <= LINES_MAX
    assert max(map(len, text.splitlines())) <= 130


@pytest.mark.spec("GW-16")
def test_every_route_is_an_operation_of_the_client():
    from b25.api.describe import description

    described = {
        (method.upper(), path) for path, methods in description()["paths"].items() for method in methods if method != "parameters"
    }
    assert {(one.method, one.path) for one in operations().values()} == described


def test_a_table_is_read_as_it_was_written():
    def route(name, method, path, **more):
        return {"operationId": f"{name}{path}_{method}".replace("/", "_").replace("{", "_").replace("}", "_"), **more}

    query = [{"name": f"parameter_{number}", "in": "query"} for number in range(20)]
    body = {"content": {"application/json": {}}}
    document = {
        "paths": {
            "/a": {"get": route("list_it", "get", "/a", parameters=query), "post": route("make", "post", "/a", requestBody=body)},
            "/a/{b}": {"get": route("one", "get", "/a/{b}"), "put": route("same", "put", "/a/{b}")},
            "/c": {"put": route("same", "put", "/c")},
        }
    }
    text = written(document)
    table = text.partition('"""\\\n')[2].removesuffix('"""\n')
    assert max(map(len, text.splitlines())) <= 130
    found = operations_of(table)
    assert set(found) == {"list_it", "make", "one", "put_a_b", "put_c"}
    assert found["list_it"].query == tuple(one["name"] for one in query)
    assert found["make"].body == "json"
    assert found["one"].places == ("b",)


def test_a_call_puts_everything_in_its_place():
    call = call_of(READ, {"thing_id": "a/../b?x", "limit": 5, "deep": True})
    assert (call.path, call.query, call.content) == ("/api/v1/things/a%2F..%2Fb%3Fx", {"limit": "5", "deep": "true"}, None)
    assert "Idempotency-Key" not in call.headers
    call = call_of(WRITE, {"symbol": "BTC/USDT", "quantity": "0.1"})
    assert orjson.loads(call.content) == {"symbol": "BTC/USDT", "quantity": "0.1"}
    assert len(call.headers["Idempotency-Key"]) == 32
    assert call.headers["Idempotency-Key"] != call_of(WRITE, {}).headers["Idempotency-Key"]
    assert call_of(WRITE, {"body": [1]}, idempotency_key="k").headers["Idempotency-Key"] == "k"


@given(st.text(min_size=1, max_size=20))
def test_nothing_in_a_path_leaves_its_place(text):
    path = (
        call_of(READ, {"thing_id": text}).path if text.isprintable() and text.encode("utf-8", "ignore").decode() == text else ""
    )
    assert path.count("/") in (0, 4)
    assert "?" not in path
    assert "#" not in path


@pytest.mark.parametrize(("one", "given"), [(READ, {}), (READ, {"thing_id": ""}), (READ, {"thing_id": 1, "x": 1})])
def test_what_is_missing_or_strange_is_refused_before_anything_is_sent(one, given):
    with pytest.raises(Misuse, match="read"):
        call_of(one, given)


@pytest.mark.parametrize(
    ("one", "status", "body", "kind"),
    [
        (READ, 400, {"code": "MISUSE"}, Misuse), (READ, 404, {"code": "NOT_FOUND"}, Misuse), (WRITE, 403, {}, Misuse),
        (WRITE, 409, {"code": "CONFLICT"}, Misuse), (READ, 429, {}, Retry), (WRITE, 429, {}, Retry), (WRITE, 503, {}, Retry),
        (READ, 503, {"code": "RESYNC"}, Resync), (READ, 500, {}, Retry), (WRITE, 500, {}, Resync), (WRITE, 504, {}, Resync),
        (READ, 500, {"code": "HALT"}, Halt), (READ, 502, None, Retry),
    ],
)  # fmt: skip
def test_a_problem_is_raised_as_what_follows_from_it(one, status, body, kind):
    text = b"<html>" if body is None else orjson.dumps(body | {"detail": "it is so", "request_id": "r1"})
    with pytest.raises(kind) as raised:
        answer_of(call_of(one, {"thing_id": 1} if one is READ else {}), status, "application/problem+json", text)
    assert raised.value.status == status
    if body is not None:
        assert "it is so (request r1)" in str(raised.value)
    if kind is Resync and one is WRITE:
        assert "not known" in str(raised.value)
        assert "idempotency_key" in raised.value.remedy


def test_an_answer_is_what_its_type_says():
    call = call_of(READ, {"thing_id": 1})
    assert answer_of(call, 200, "application/json", b'{"a": 1}') == {"a": 1}
    assert answer_of(call, 204, "", b"") is None
    assert answer_of(call, 200, "text/csv; charset=utf-8", "ü".encode()) == "ü"
    assert answer_of(call, 200, "application/vnd.apache.parquet", b"PAR1") == b"PAR1"


class Server:
    """Answers with what is prepared, and keeps what was asked."""

    def __init__(self, *answers):
        self.answers, self.asked, self.waited_s = list(answers), [], []

    def __call__(self, request):
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer, json={"pong": True})

    def ask(self, one, given, **more):
        with Client(HERE, transport=httpx.MockTransport(self), sleep=self.waited_s.append, **more) as client:
            return client.ask(one, given)

    def ask_async(self, one, given):
        async def sleep(wait_s):
            self.waited_s.append(wait_s)

        async def main():
            async with AsyncClient(HERE, transport=httpx.MockTransport(self), sleep=sleep) as client:
                return await client.ask(one, given)

        return asyncio.run(main())


@pytest.mark.parametrize("way", ["ask", "ask_async"])
def test_a_read_is_asked_again_a_few_times(way):
    server = Server(503, httpx.ConnectError("x"), 200)
    assert getattr(server, way)(READ, {"thing_id": 1}) == {"pong": True}
    assert len(server.waited_s) == 2
    assert server.waited_s[1] > server.waited_s[0]
    with pytest.raises(Retry):
        getattr(Server(503, 503, 503), way)(READ, {"thing_id": 1})
    with pytest.raises(Misuse):
        getattr(Server(404), way)(READ, {"thing_id": 1})


@pytest.mark.spec("GW-N3")
@pytest.mark.parametrize("way", ["ask", "ask_async"])
@pytest.mark.parametrize(("answer", "kind"), [(503, Retry), (504, Resync), (httpx.ReadTimeout("x"), Resync)])
def test_a_write_is_sent_once(way, answer, kind):
    server = Server(answer, 200)
    with pytest.raises(kind):
        getattr(server, way)(WRITE, {"a": 1})
    assert len(server.asked) == 1


def test_the_secret_travels_as_a_header_and_is_printed_nowhere():
    for more, header in (({"token": SECRET}, "authorization"), ({"key": SECRET}, "x-api-key")):
        server = Server(200)
        server.ask(READ, {"thing_id": 1}, **more)
        (request,) = server.asked
        assert SECRET in request.headers[header]
        assert SECRET not in str(request.url)
        client = connect(HERE, **more)
        assert SECRET not in repr(client) + str(vars(client)) + repr(client.credential)
        with pytest.raises(TypeError):
            pickle.dumps(client.credential)
        client.close()


@pytest.mark.parametrize(
    "url", ["gateway", "ftp://127.0.0.1", "http://me:word@127.0.0.1", "http://example.org", "http://127.0.0.1.example.org"]
)
def test_an_address_over_which_a_secret_would_be_read_is_refused(url):
    with pytest.raises(Misuse):
        connect(url, token=SECRET)


def test_a_token_and_a_key_at_once_are_refused():
    with pytest.raises(Misuse):
        connect(HERE, token=SECRET, key=SECRET)


def test_operations_are_methods_and_a_wrong_name_is_told_what_was_meant():
    with connect(HERE) as client:
        assert "ping" in dir(client)
        assert "GET /api/v1/ping" in client.ping.__doc__
        with pytest.raises(AttributeError, match="did you mean ping"):
            _ = client.pin
        with pytest.raises(Misuse, match="did you mean"):
            client.call("pings")


def test_the_client_needs_nothing_of_the_server():
    code = (
        "import sys, b25.client.client; print([name for name in sys.modules if name.startswith(('b25.api', 'fastapi', 'sqlal'))])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_live_copy_without_a_gateway_says_so():
    with connect(HERE) as client:
        live = client.live("orders")
        assert isinstance(live, LiveThread)
        with pytest.raises(Retry, match="not sent"):
            live.command("pause")
        assert live.get("orders.a") is None
        assert live.is_stale("orders.a")
        live.close()
        assert live.live.state == "closed"
