"""What a request passes before its route: foreign pages, sizes, hostile bodies, rates, deadlines; and what every answer has."""

import asyncio
import json
import time

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st

from b25.api.app import make_app
from b25.api.doors import public, requires
from b25.api.rate_limits import Buckets, Rate
from b25.api.roles import Permission
from b25.api.stages import deadline, install_stages
from b25.api.stages.origin import hostname
from b25.config.settings import GatewaySettings

OWN = "http://127.0.0.1"
STOP = "/api/v1/risk/emergency-stop"
BODY = {"reason": "quotes look wrong", "account": "demo"}


@pytest.mark.spec("GW-07", "SYS-30")
def test_every_answer_has_an_id_and_headers_that_browsers_obey(run):
    async def act(client):
        async with client() as one:
            for path in ("/version", "/nothing", "/api/v1/orders"):
                told = await one.get(path)
                assert told.headers["x-content-type-options"] == "nosniff"
                assert told.headers["x-frame-options"] == "DENY"
                assert "default-src 'none'" in told.headers["content-security-policy"]
                assert told.headers["cache-control"] == "no-store"
                assert told.headers["x-api-version"] == "1"
                assert len(told.headers["x-request-id"]) == 16
                assert "server" not in told.headers
            assert (await one.get("/version", headers={"X-Request-ID": "my-own-id-1"})).headers["x-request-id"] == "my-own-id-1"
            assert (await one.get("/version", headers={"X-Request-ID": "no id\x7f"})).headers["x-request-id"] != "no id\x7f"

    run(act)


HOSTS = {
    "127.0.0.1": 200, "127.0.0.1:8080": 200, "localhost": 200, "LOCALHOST:1": 200, "[::1]:8080": 200, "localhost.": 200,
    "evil.example": 421, "127.0.0.1.evil.example": 421, "127.0.0.1:8080@evil.example": 421, "localhost:x": 421, "": 421,
    "evil.example#127.0.0.1": 421, "169.254.169.254": 421,
}  # fmt: skip


@pytest.mark.spec("S4")
@pytest.mark.parametrize("host", HOSTS)
def test_a_foreign_host_name_is_not_served(run, host):
    async def act(client):
        async with client() as one:
            assert (await one.get("/version", headers={"Host": host})).status_code == HOSTS[host]

    run(act)


def foreign(origin, site):
    """Whether a browser would send this from a page that is not ours."""
    if origin not in (None, OWN, "http://named.example"):
        return True
    return site in ("cross-site", "same-site") and origin != "http://named.example"


@pytest.mark.spec("S4")
@pytest.mark.parametrize(
    "origin", [None, OWN, "http://named.example", "http://evil.example", "null", "http://127.0.0.1:9", "https://127.0.0.1"]
)
@pytest.mark.parametrize("site", [None, "same-origin", "same-site", "cross-site", "none"])
def test_a_page_of_another_site_changes_nothing(gateway, home, run, origin, site):
    gateway.settings = gateway.settings.model_copy(update={"gateway": GatewaySettings(origins=("http://named.example",))})
    headers = {name: value for name, value in (("Origin", origin), ("Sec-Fetch-Site", site)) if value is not None}

    async def act(client):
        async with client("trader") as one:
            told = await one.post(STOP, json=BODY, headers=headers)
            assert told.status_code == (403 if foreign(origin, site) else 200), told.text
            assert (await one.get("/api/v1/sessions", headers=headers)).status_code == 200  # CORS keeps its answer from the page
            if origin == "http://named.example":
                assert told.headers["access-control-allow-origin"] == origin
                assert told.headers["access-control-allow-credentials"] == "true"
            else:
                assert "access-control-allow-origin" not in told.headers

    run(act)


@pytest.mark.spec("GW-10")
def test_only_named_origins_get_a_preflight(gateway, home, run):
    gateway.settings = gateway.settings.model_copy(update={"gateway": GatewaySettings(origins=("http://named.example",))})

    async def act(client):
        async with client() as one:
            asked = {"Access-Control-Request-Method": "POST"}
            good = await one.options(STOP, headers={**asked, "Origin": "http://named.example"})
            assert (good.status_code, good.headers["access-control-max-age"]) == (204, "3600")
            assert "*" not in str(good.headers)
            bad = await one.options(STOP, headers={**asked, "Origin": "http://evil.example"})
            assert "access-control-allow-origin" not in bad.headers

    run(act)


async def pieces(count, size=100_000):
    for _ in range(count):
        yield b" " * size


@pytest.mark.spec("GW-15")
def test_a_body_that_is_too_large_is_refused_however_it_is_sent(run):
    async def act(client):
        async with client("trader") as one:
            headers = {"Content-Type": "application/json"}
            declared = await one.post(STOP, content=b" " * (2**20 + 1), headers=headers)
            assert (declared.status_code, declared.json()["code"]) == (413, "TOO_LARGE")
            chunked = await one.post(STOP, content=pieces(12), headers=headers)
            assert chunked.status_code == 413
            auth = await one.post("/api/v1/auth/login", content=b" " * 70_000, headers=headers)
            assert auth.status_code == 413

    run(act)


HOSTILE = [
    b"{", b"[" * 100_000, b'{"reason": NaN}', b'{"reason": 1e999}', b'{"reason": "\\ud800"}', b'{"reason": "a\\u0000b"}',
    b"\xff\xfe",
    b'{"reason": ' + b"9" * 400 + b"}", b'{"a": ' * 5_000 + b"1" + b"}" * 5_000,
]  # fmt: skip


@pytest.mark.spec("S13")
@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_body_is_refused_and_breaks_nothing(run, body):
    async def act(client):
        async with client("trader") as one:
            told = await one.post(STOP, content=body, headers={"Content-Type": "application/json"})
            assert told.status_code == 400, told.text
            assert told.headers["content-type"] == "application/problem+json"

    run(act)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])
def test_a_form_of_a_page_is_no_request(run, kind):
    async def act(client):
        async with client("trader") as one:
            assert (await one.post(STOP, content=json.dumps(BODY), headers={"Content-Type": kind})).status_code == 415

    run(act)


TRAVERSAL = [
    "..",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "mm%00",
    "mm%0a",
    "a" * 5_000,
    "mm/../../x",
    "%252e%252e",
    "-mm",
]


@pytest.mark.spec("GW-N4")
@pytest.mark.parametrize("name", TRAVERSAL, ids=range(len(TRAVERSAL)))
def test_a_path_leads_nowhere_but_to_what_is_named(run, home, name):
    outside = home.settings.run_folder.parent / "outside"

    async def act(client):
        async with client("trader", "risk") as one:
            paths = [
                f"/api/v1/sessions/{name}", f"/api/v1/sessions/{name}/lives", f"/api/v1/orders/{name}",
                f"/api/v1/strategies/{name}",
                f"/api/v1/market-data/ticker/{name}", f"/api/v1/market-data/candles/{name}",
            ]  # fmt: skip
            for path in paths:
                told = await one.get(path)
                assert told.status_code in (200, 400, 404, 405, 422), (path, told.text)
                assert "root:" not in told.text
                if told.status_code == 200:
                    assert told.json().get("data") in ([], None)
            for act in ("pause", "start", "stop"):
                told = await one.post(f"/api/v1/sessions/{name}/{act}", json={})
                assert told.status_code in (400, 404, 405, 422), told.text

    run(act)
    assert not outside.exists()


class Slow:
    """A sender that begins a body and does not end it."""

    async def __call__(self):
        await asyncio.sleep(3_600)


@pytest.mark.spec("S11")
def test_a_body_that_does_not_end_is_waited_for_a_while(home, monkeypatch):
    from b25.api.stages import body

    monkeypatch.setattr(body, "WHOLE_S", 0.05)
    app, told = make_app(home), []
    scope = {
        "type": "http", "method": "POST", "path": STOP, "query_string": b"", "scheme": "http", "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")], "http_version": "1.1", "raw_path": b"",
    }  # fmt: skip

    async def send(message):
        told.append(message)

    asyncio.run(app(scope, Slow(), send))
    assert told[0]["status"] == 408


def served(home, add):
    """An application of the stages alone, with routes of a test."""
    app, router = FastAPI(), APIRouter(prefix="/api/v1")
    add(router)
    app.include_router(router)
    app.state.gateway = home
    install_stages(app, home)
    return app


def ask(app, *paths, method="GET", client=("127.0.0.1", 1), **headers):
    async def asked():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=client)
        async with httpx.AsyncClient(transport=transport, base_url=OWN, headers=headers) as one:
            return [await one.request(method, path) for path in paths]

    return asyncio.run(asked())


@pytest.mark.spec("SYS-30")
def test_what_breaks_tells_nothing_of_the_inside_but_the_log_has_it(home, tmp_path):
    def add(router):
        @router.get("/broken", dependencies=[public()])
        async def broken():
            raise RuntimeError("the password is canary-1234")

    (told,) = ask(served(home, add), "/api/v1/broken")
    assert (told.status_code, told.json()["code"]) == (500, "INTERNAL_ERROR")
    assert "canary" not in told.text
    assert "Traceback" not in told.text
    log = (tmp_path / "gateway.jsonl").read_text()
    assert told.json()["request_id"] in log
    assert "RuntimeError" in log


def test_the_log_has_neither_query_nor_headers(home, tmp_path):
    def add(router):
        @router.get("/fine", dependencies=[public()])
        async def fine():
            return {}

    ask(served(home, add), "/api/v1/fine?token=canary-1", Authorization="Bearer canary-2", Cookie="canary-3")
    log = (tmp_path / "gateway.jsonl").read_text()
    assert '"path":"/api/v1/fine"' in log
    assert "canary" not in log


@pytest.mark.spec("GW-14")
def test_a_route_that_does_not_answer_is_answered_for(home, monkeypatch):
    monkeypatch.setattr(deadline, "DEFAULT_S", 0.05)

    def add(router):
        @router.get("/slow", dependencies=[public()])
        def slow():
            time.sleep(0.3)

    (told,) = ask(served(home, add), "/api/v1/slow")
    assert (told.status_code, told.json()["code"]) == (504, "TIMEOUT")


@pytest.mark.spec("GW-13", "GW-N3")
def test_a_read_is_asked_again_and_a_write_never(home):
    asked = {"GET": 0, "POST": 0}

    def add(router):
        from b25.api.problems import Problem

        async def away(method):
            asked[method] += 1
            if asked[method] < 3:
                await asyncio.sleep(0)
                raise Problem(503, "away")
            return {"tries": asked[method]}

        @router.get("/away", dependencies=[public()])
        async def read():
            return await away("GET")

        @router.post("/away", dependencies=[public()])
        async def write():
            return await away("POST")

    app = served(home, add)
    from b25.api.problems import install_problems

    install_problems(app)
    assert ask(app, "/api/v1/away")[0].json() == {"tries": 3}
    assert ask(app, "/api/v1/away", method="POST")[0].status_code == 503
    assert asked == {"GET": 3, "POST": 1}


@pytest.mark.spec("GW-09", "AU-05")
def test_whoever_asks_too_often_is_told_when_to_ask_again(home):
    def add(router):
        for path in ("/orders/{name}", "/other"):
            router.add_api_route(path, lambda: {}, dependencies=[requires(Permission.READ)])

    app = served(home, add)
    told = ask(app, *(f"/api/v1/orders/{k}" for k in range(25)), "/api/v1/other", **{"x-test-roles": "viewer"})
    codes = [one.status_code for one in told]
    assert codes[:20] == [200] * 20
    assert codes[-2] == 429
    assert codes[-1] == 200
    refused = told[-2]
    assert refused.headers["retry-after"] == "1"
    assert (refused.headers["x-ratelimit-limit"], refused.headers["x-ratelimit-burst"]) == ("10", "20")
    assert told[0].headers["x-ratelimit-remaining"] == "19"
    other = ask(app, "/api/v1/orders/1", **{"x-test-roles": "trader"})
    assert other[0].status_code == 200, "another's requests do not count"


@pytest.mark.spec("GW-09")
def test_an_address_is_limited_but_not_this_machine(home):
    def add(router):
        router.add_api_route("/open", lambda: {}, dependencies=[public()])

    app = served(home, add)
    away = {one.status_code for one in ask(app, *["/api/v1/open"] * 300, client=("203.0.113.9", 1))}
    assert away == {200, 429}


@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from("ab")), max_size=60), st.floats(0.1, 50), st.integers(1, 20))
def test_a_bucket_never_gives_more_than_its_rate(steps, per_s, burst):
    buckets, rate, now_s = Buckets(), Rate(per_s, burst), 1_000.0
    taken = {"a": [], "b": []}
    for wait_s, key in steps:
        now_s += wait_s
        told = buckets.take(key, rate, now_s)
        if told.is_allowed:
            taken[key].append(now_s)
        else:
            assert told.again_s > 0
            later = Buckets()
            later._held = dict(buckets._held) and buckets._held.copy()
            assert later.take(key, rate, now_s + told.again_s + 1e-6).is_allowed
    for times in taken.values():
        for i, first in enumerate(times):
            for j in range(i, len(times)):
                assert j - i + 1 <= burst + per_s * (times[j] - first) + 1e-6


@pytest.mark.spec("GW-09")
def test_memory_of_the_limits_is_bounded():
    buckets = Buckets(keys_max=100)
    for k in range(1_000):
        buckets.take(str(k), Rate(1.0, 5), 0.0)
    assert len(buckets) == 100


@given(st.text(max_size=40))
def test_a_host_is_read_without_a_fault(text):
    assert not set(hostname(text)) & set(" /\\@?#,")
