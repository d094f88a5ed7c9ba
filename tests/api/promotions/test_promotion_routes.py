"""Promoted versions over the API: who may move them, what a refusal says, and that stopping needs nothing but the role."""

import asyncio
import uuid

import pytest

from b25.api.principal import Principal
from b25.api.promotion_desk import PromotionDesk, actor
from b25.api.roles import Permission, Role
from b25.promote.gate import EVERYBODY, RESEARCHER, TRADER
from tests.promote.frozen import TEXT, Bench, enrol

V1 = "/api/v1/strategies/versions"


@pytest.fixture
def bench(gateway, tmp_path):
    """Versions, where the gateway looks for them; people, so that nobody works alone."""
    desk = PromotionDesk(gateway)
    gateway.join(desk)
    made = Bench(gateway.store, tmp_path)
    desk.promotions.root, desk.promotions.now_ns, desk.promotions.drill_ns = (
        tmp_path / "live",
        lambda: made.now,
        lambda: made.drill,
    )
    enrol(gateway.store, "ann", "tim", "rose")
    return made


@pytest.fixture
def ask(bench, client_as):
    """Ask as roles; gives status and body."""

    def asked(roles, method, path, **body):
        async def once():
            async with client_as(*roles.split(",")) as client:
                more = (
                    {"json": body, "headers": {**client.headers, "Idempotency-Key": str(uuid.uuid4())}}
                    if method == "POST"
                    else {}
                )
                answer = await client.request(method, V1 + path, **more)
                return answer.status_code, answer.json()

        return asyncio.run(once())

    return asked


def test_a_version_is_listed_shown_and_moved(bench, ask):
    bench.freeze()
    status, told = ask("viewer", "GET", "")
    assert (status, told["data"][0]["reference"], told["data"][0]["state"]) == (200, "mine@1", "draft")
    assert ask("researcher", "POST", "/mine/1/move", to="validated")[1]["state"] == "validated"
    status, told = ask("trader", "POST", "/mine/1/move", to="observe", reason="watch it")
    assert (status, told["code"], told["fields"][0]["field"]) == (409, "NOT_YET", "limits")
    bench.limit()
    status, told = ask("trader", "POST", "/mine/1/move", to="observe", reason="watch it")
    assert (status, told["move"]["who"], told["move"]["role"]) == (200, "trader", "trader")
    status, told = ask("viewer", "GET", "/mine/1")
    assert (told["state"], told["next"], [one["name"] for one in told["needs"]]) == (
        "observe",
        "paper",
        ["proof", "limits", "observe_hours"],
    )
    assert told["moves"][1]["evidence"]["needs"][1]["met"] is True
    assert ask("viewer", "GET", "/mine/9")[0] == 404
    assert ask("viewer", "GET", "/no_such/1")[0] == 404
    assert ask("trader", "POST", "/mine/1/move", to="draft")[0] == 422


def test_no_researcher_reaches_money_and_the_author_does_not_approve(bench, ask):
    bench.climb(bench.freeze(by="risk"), "paper")
    bench.fulfil(bench.promotions.find("mine@1"), "canary")
    for role in ("researcher", "trader", "admin"):
        status, told = ask(role, "POST", "/mine/1/move", to="canary", reason="go")
        assert (status, told["code"]) == (403, "FORBIDDEN")
        assert "role risk" in told["remedy"]
    assert "made mine@1" in ask("risk", "POST", "/mine/1/move", to="canary", reason="go")[1]["detail"]
    assert ask("viewer", "POST", "/mine/1/move", to="canary", reason="go")[0] == 403
    assert ask("researcher", "POST", "/mine/1/move", to="paused")[0] == 403
    assert ask("researcher", "POST", "/mine/rollback", reason="x")[0] == 403
    status, told = ask("risk,viewer", "POST", "/mine/1/move", to="canary", reason="go")
    assert (status, told["state"], told["move"]["size_factor"]) == (200, "canary", 0.25)


@pytest.mark.parametrize("role", ["trader", "risk", "admin"])
def test_stopping_is_at_once(bench, ask, role):
    bench.climb(bench.freeze(), "observe")
    assert ask(role, "POST", "/mine/1/move", to="paused")[1]["state"] == "paused"


def test_rollback(bench, ask):
    bench.climb(bench.freeze())
    bench.climb(bench.freeze(TEXT + b"# better\n"))
    assert ask("admin", "POST", "/mine/rollback", reason="x")[0] == 403
    assert ask("trader", "POST", "/mine/rollback", reason=" ")[0] == 409
    status, told = ask("trader", "POST", "/mine/rollback", reason="it loses")
    assert (status, told) == (200, {"left": "mine@2", "takes": "mine@1", "running": []})
    assert ask("trader", "POST", "/other/rollback", reason="x")[0] == 404


def test_a_move_towards_money_needs_a_fresh_proof_of_who_asks(bench, client_as, ask, monkeypatch):
    from tests.api.conftest import TestAuthenticator

    real = TestAuthenticator.principal

    async def tired(self, *given):
        found = await real(self, *given)
        return Principal(name=found.name, roles=found.roles, is_stepped_up=False) if found else None

    bench.climb(bench.freeze(), "paper")
    bench.fulfil(bench.promotions.find("mine@1"), "canary")
    monkeypatch.setattr(TestAuthenticator, "principal", tired)
    assert ask("risk", "POST", "/mine/1/move", to="canary", reason="go")[1]["code"] == "STEP_UP_REQUIRED"
    assert ask("risk", "POST", "/mine/1/move", to="paused", reason="stop")[0] == 200
    assert ask("risk", "POST", "/mine/1/move", to="paper", reason="on")[1]["code"] == "STEP_UP_REQUIRED"


def test_a_limited_token_has_a_role_only_as_far_as_it_goes():
    everything = frozenset({Role.RESEARCHER, Role.TRADER, Role.RISK, Role.ADMIN})
    assert actor(Principal(name="ann", roles=everything), {}).roles == EVERYBODY
    kernel = Principal(name="ann", roles=everything, scopes=frozenset({Permission.READ, Permission.DRAFT}))
    assert actor(kernel, {}).roles == {RESEARCHER}
    bot = Principal(name="bot", roles=frozenset({Role.TRADER}), scopes=None)
    assert actor(bot, {}).roles == {TRADER}
    assert actor(Principal(name="s", roles=frozenset({Role.SERVICE})), {}).roles == frozenset()


def test_a_record_that_cannot_be_believed_is_told_and_nothing_moves(bench, ask):
    version = bench.freeze()
    (version.folder / "strategy.py").chmod(0o644)
    (version.folder / "strategy.py").write_bytes(TEXT + b"#")
    assert ask("viewer", "GET", "")[1]["data"][0]["state"] == "not believed"
    status, told = ask("viewer", "GET", "/mine/1")
    assert (status, told["needs"]) == (200, [])
    assert "strategy.py is" in told["fault"]
    assert ask("researcher", "POST", "/mine/1/move", to="validated")[1]["code"] == "NOT_YET"
