"""Analytics over HTTP: stored once, asked for by who may, kept for a minute, and told as what is declared."""

import asyncio
from dataclasses import replace

import pytest

from b25.analytics.events.event import DomainEvent
from b25.api import analytics_models as say
from b25.api.answer_cache import ENTRIES_MAX, AnswerCache, cache_key
from b25.api.principal import Principal
from b25.api.roles import Role
from b25.store.audit import verify_audit
from b25.store.dead_letters import letters
from b25.store.event_log import Letter

MINUTE = 60 * 10**9


def ask(client, method, path, **more):
    async def once():
        async with client:
            return await client.request(method, f"/api/v1/analytics/{path}", **more)

    return asyncio.run(once())


@pytest.fixture
def now(gateway, desk):
    return gateway.now_ns()


def view(number, **more):
    return {"id": str(number), "type": "page.view", "properties": {"ms": number}, **more}


@pytest.mark.spec("AN-01", "AN-02")
def test_events_that_are_told_twice_are_stored_once(analytics_as, now):
    told = {"events": [view(1, time_ns=now - 5), view(2)]}
    assert ask(analytics_as("service"), "POST", "events", json=told).json() == {"stored": 2, "known": 0}
    assert ask(analytics_as("service"), "POST", "events", json=told).json() == {"stored": 0, "known": 2}
    read = ask(analytics_as("viewer"), "GET", "events", params={"end": str(now + 1)})
    page = say.Events.model_validate(read.json())
    assert [(one.type, one.principal, one.properties) for one in page.data] == [
        ("page.view", "service", {"ms": 1}), ("page.view", "service", {"ms": 2}),
    ]  # fmt: skip


@pytest.mark.spec("AN-02")
@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "fill.executed"}, {"type": "Page"}, {"properties": {"p": "x" * 1_025}}, {"id": ""}, {"more": 1},
        {"session": "\0"},
        {"properties": {str(i): 1 for i in range(51)}}, {"time_ns": -1}, {"properties": {"\ud800": 1}},
        {"properties": {"x": 2**70}},
    ],
)  # fmt: skip
def test_an_event_that_is_not_right_is_refused_and_nothing_is_stored(analytics_as, desk, wrong):
    import json

    body = json.dumps({"events": [view(1), view(2) | wrong]})
    sent = ask(analytics_as("admin"), "POST", "events", content=body, headers={"content-type": "application/json"})
    assert sent.status_code in (400, 422), sent.text
    assert desk.aggregates.counts(0, 2**62) == {}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "events", {"viewer", "trader", "service"}), ("GET", "stats", {"viewer"}), ("GET", "dashboard", {"viewer"}),
        ("GET", "metrics/names", {"viewer"}), ("GET", "orders", {"viewer"}), ("GET", "strategies", {"viewer"}),
        ("GET", "market", {"viewer"}), ("GET", "system", {"viewer"}), ("GET", "dead-letters", {"admin"}),
    ],
)  # fmt: skip
def test_each_route_answers_only_whom_it_may(analytics_as, method, path, allowed):
    assert ask(analytics_as(), method, path).status_code == 401
    for role in allowed:
        assert ask(analytics_as(role), method, path).status_code == 200
    if "viewer" not in allowed:
        assert ask(analytics_as("viewer"), method, path).status_code == 403


def test_only_programs_and_administrators_tell_events(analytics_as):
    assert ask(analytics_as("trader"), "POST", "events", json={"events": [view(1)]}).status_code == 403


@pytest.fixture
def filled(desk, now):
    """Two hours of events."""
    desk.log.add(
        [
            DomainEvent(
                id=f"v{i}", type="page.view", time_ns=now - 120 * MINUTE + i * MINUTE, account="a" if i % 2 else "b",
                properties={"ms": i},
            )
            for i in range(120)
        ]
    )  # fmt: skip
    facts = {"client_id": "c1", "venue": "v", "side": "buy", "quantity": "2", "price": "10", "fee": "0.1", "fee_asset": "USDT"}
    fill = facts | {"is_maker": True, "realised": "1.5", "is_synthetic": False, "mid": "10"}
    order = facts | {"receive_ns": now - 5 * MINUTE, "intent_ns": now - 5 * MINUTE - 2_000_000, "filled": "2", "status": "FILLED"}
    made = [
        ("order.created", order | {"filled": "0", "status": "NEW", "mid": "9"}),
        ("fill.executed", fill),
        ("order.filled", order),
    ]
    desk.log.add(
        [
            DomainEvent(
                id=kind, type=kind, time_ns=now - 5 * MINUTE, account="a", strategy="Maker", symbol="BTC", properties=told
            )
            for kind, told in made
        ]
    )
    desk.aggregates.refresh(now)
    return desk


@pytest.mark.spec("AN-01", "AN-05")
def test_counts_and_aggregates(analytics_as, filled, now):
    told = say.Stats.model_validate(ask(analytics_as("viewer"), "GET", "stats").json())
    assert told.counts == {"fill.executed": 1, "order.created": 1, "order.filled": 1, "page.view": 120}
    asked = {"name": "page.view.ms", "interval": "1h", "limit": 1}
    page = say.Metrics.model_validate(ask(analytics_as("viewer"), "GET", "metrics", params=asked).json())
    assert (page.data[0].count, page.data[0].p50, page.data[0].is_open) == (60, 29.5, False)
    rest = ask(analytics_as("viewer"), "GET", "metrics", params={**asked, "cursor": page.next_cursor}).json()
    assert [row["count"] for row in rest["data"]] == [60]
    assert rest["next_cursor"] is None
    assert "fill.executed.notional" in ask(analytics_as("viewer"), "GET", "metrics/names").json()["names"]


@pytest.mark.spec("AN-10")
def test_aggregates_are_exported(analytics_as, filled):
    import io

    import polars as pl

    asked = {"name": "page.view.ms", "interval": "1h", "dimension": "account"}
    given = ask(analytics_as("viewer"), "GET", "metrics", params=asked | {"format": "parquet"})
    assert pl.read_parquet(io.BytesIO(given.content))["count"].to_list() == [30] * 4
    lines = ask(analytics_as("viewer"), "GET", "metrics", params=asked | {"format": "csv"}).text.splitlines()
    assert len(lines) == 5


@pytest.mark.spec("AN-07")
def test_the_figures_of_the_first_screen(analytics_as, filled):
    told = say.Dashboard.model_validate(ask(analytics_as("viewer"), "GET", "dashboard").json())
    assert (told.orders_placed_1h, told.orders_filled_1h, told.fill_rate_1h, told.volume_1h) == (1, 1, 1.0, 20.0)
    assert (told.ack_ms_mean_1h, told.active_strategies_1h, told.error_rate_1h) == (2.0, 1, 0.0)


@pytest.mark.spec("AN-05", "AN-08")
def test_orders_and_strategies(analytics_as, filled):
    page = say.Orders.model_validate(ask(analytics_as("viewer"), "GET", "orders").json())
    (order,) = page.data
    assert (order.average_price, order.slippage_bps, order.shortfall, order.ack_ms) == ("10", 0.0, "2", 2.0)
    told = say.Strategies.model_validate(ask(analytics_as("viewer"), "GET", "strategies").json())
    assert (told.days[0].realised, told.days[0].maker_share, told.closing[0].win_rate) == ("1.5", 1.0, 1.0)


@pytest.mark.spec("AN-01")
def test_a_question_is_put_together_from_aggregates_and_percentiles_are_not(analytics_as, filled):
    question = {
        "name": "page.view.ms",
        "interval": "1h",
        "dimension": "account",
        "group_by": ["member"],
        "figures": ["count", "sum", "max"],
    }
    told = say.Answers.model_validate(ask(analytics_as("viewer"), "POST", "custom", json=question).json())
    assert {row.member: row.figures for row in told.data} == {
        "a": {"count": 60, "sum": sum(range(1, 120, 2)), "max": 119},
        "b": {"count": 60, "sum": sum(range(0, 120, 2)), "max": 118},
    }  # fmt: skip
    refused = ask(analytics_as("viewer"), "POST", "custom", json=question | {"figures": ["p99"]})
    assert refused.status_code == 422
    apart = question | {"figures": ["p99"], "group_by": ["time", "member"]}
    assert len(ask(analytics_as("viewer"), "POST", "custom", json=apart).json()["data"]) == 4
    assert ask(analytics_as("viewer"), "POST", "custom", json=question | {"name": "x'; DROP TABLE fill; --"}).json() == {
        "data": []
    }


@pytest.mark.spec("AN-01")
@pytest.mark.parametrize(
    "span", [{"start": "yesterday"}, {"start": "2"}, {"start": "10", "end": "10"}, {"end": "-5"}, {"end": "9" * 25}]
)
def test_a_span_that_is_none_is_refused(analytics_as, span):
    if span == {"start": "2"}:
        span = {"start": "2", "end": "1"}
    assert ask(analytics_as("viewer"), "GET", "stats", params=span).status_code == 422


def test_who_sees_some_accounts_sees_nothing_of_the_others(desk, filled, gateway, client_as):
    whole = gateway.authenticator.principal

    async def some(*told):
        return replace(await whole(*told), accounts=frozenset({"a"}))

    gateway.authenticator.principal = some
    assert ask(client_as("viewer"), "GET", "stats").json()["counts"]["page.view"] == 60
    assert {one["account"] for one in ask(client_as("viewer"), "GET", "events").json()["data"]} == {"a"}
    asked = {"name": "page.view.ms", "interval": "1h"}
    assert ask(client_as("viewer"), "GET", "metrics", params=asked).status_code == 403
    assert ask(client_as("viewer"), "GET", "metrics", params=asked | {"dimension": "account", "member": "b"}).status_code == 403
    mine = ask(client_as("viewer"), "GET", "metrics", params=asked | {"dimension": "account"}).json()["data"]
    assert {row["member"] for row in mine} == {"a"}
    assert ask(client_as("viewer"), "POST", "custom", json=asked | {"dimension": "strategy"}).status_code == 403
    assert ask(client_as("service"), "POST", "events", json={"events": [view(1, account="b")]}).status_code == 403


@pytest.mark.spec("AN-09", "GW-N2")
def test_an_answer_is_kept_for_a_minute_for_who_asked_and_nobody_else(analytics_as, desk, filled, now):
    clock = [0.0]
    desk.cache.clock_s = lambda: clock[0]
    count = ask(analytics_as("viewer"), "GET", "stats").json()["total"]
    desk.log.add([DomainEvent(id="new", type="page.view", time_ns=now - 1)])
    assert ask(analytics_as("viewer"), "GET", "stats").json()["total"] == count
    assert ask(analytics_as("trader"), "GET", "stats").json()["total"] == count + 1
    clock[0] = 60.0
    assert ask(analytics_as("viewer"), "GET", "stats").json()["total"] == count + 1


@pytest.mark.spec("AN-09")
def test_a_question_has_one_key_in_whatever_order_it_is_asked_and_another_for_each_scope():
    ann = Principal(name="ann", roles=frozenset({Role.VIEWER}))
    assert cache_key(ann, "r", {"a": 1, "b": 2}) == cache_key(ann, "r", {"b": 2, "a": 1})
    others = [replace(ann, name="bob"), replace(ann, accounts=frozenset({"x"})), replace(ann, accounts=frozenset())]
    assert len({cache_key(one, "r", {}) for one in (ann, *others)}) == 4
    cache = AnswerCache()
    for number in range(ENTRIES_MAX + 10):
        cache.put(str(number).encode(), b"x")
    assert cache.get(b"0") is None
    assert cache.get(str(ENTRIES_MAX).encode()) == b"x"


@pytest.mark.spec("AN-03")
def test_a_dead_letter_is_replayed_or_dropped_and_the_audit_tells(analytics_as, desk, gateway, now):
    import orjson

    whole = {"id": "i", "type": "custom.thing", "time_ns": now, "properties": {}}
    right = Letter(subject="event", id="i", payload=orjson.dumps(whole), reason="a bug of yesterday")
    desk.log.add([], [right, Letter(subject="fills.x", id="j", payload=b"\xff", reason="no JSON")])
    page = say.DeadLetters.model_validate(ask(analytics_as("admin"), "GET", "dead-letters").json())
    first, second = (one.seq for one in page.data)
    why = {"json": {"reason": "mended"}}
    assert ask(analytics_as("admin"), "POST", f"dead-letters/{first}/replay", **why).json() == {"seq": first, "is_done": True}
    assert desk.aggregates.counts(0, 2**62) == {"custom.thing": 1}
    assert ask(analytics_as("admin"), "POST", f"dead-letters/{second}/replay", **why).json()["is_done"] is False
    assert ask(analytics_as("admin"), "POST", f"dead-letters/{second}/drop", **why).json()["is_done"]
    assert ask(analytics_as("admin"), "POST", f"dead-letters/{second}/drop", **why).status_code == 404
    assert letters(gateway.store) == []
    assert verify_audit(gateway.store) == ""
    from sqlalchemy import select

    from b25.store.tables import audit

    acts = [row.action for row in gateway.store.rows(select(audit).order_by(audit.c.seq))]
    assert acts == ["analytics.replay", "analytics.replay", "analytics.drop"]
