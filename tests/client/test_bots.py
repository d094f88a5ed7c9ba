"""Bots through a real server: what is told, what is done, once for each key, and who may; nothing is left when it is closed."""

import asyncio
import contextlib
import os
import threading
import time

import pytest
import uvicorn

from b25.api.app import make_app
from b25.api.compose import join_reach
from b25.api.ws.serving import SOCKETS
from b25.client.client import Client
from b25.client.connect import connect
from b25.model.errors import Misuse, Retry
from b25.runner.kill_scopes import scoped_stops
from b25.runner.structured_log import StructuredLog
from tests.api.conftest import AS, gateway  # noqa: F401 - a fixture
from tests.api.gateway.stand import SYMBOL, StandIn


@pytest.fixture
def stand(gateway, tmp_path):  # noqa: F811
    """A server with a session named mm; gives a function that makes clients of a role."""
    log = StructuredLog(tmp_path / "gateway.jsonl", process="gateway")
    gateway.join(log)
    join_reach(gateway, log)
    server = uvicorn.Server(uvicorn.Config(make_app(gateway), port=0, log_config=None, **SOCKETS))
    with contextlib.closing(StandIn(gateway.settings.run_folder, "mm", "demo")) as session:
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        made = []

        def client(role):
            one = Client(f"http://127.0.0.1:{port}", timeout_s=20)
            one.credential._headers = {AS: role}
            made.append(one)
            return one

        client.session, client.folder = session, gateway.settings.run_folder
        yield client
        for one in made:
            one.close()
        server.should_exit = True
        thread.join(30)


def test_a_bot_tells_how_it_stands(stand):
    bots = stand("viewer").bots()
    assert list(bots) == ["mm"]
    bot = bots["mm"]
    assert (bot.status.state, bot.status.mode, bot.status.account) == ("active", "live", "demo")
    assert not bot.status.is_stale
    assert bot.pnl == 1.25
    assert bot.status.positions == {SYMBOL: "0.010"}
    assert bot.positions[0]["symbol"] == SYMBOL
    assert bot.orders == []
    assert bot.fills == []
    assert "[active] [live]" in repr(bot)
    with pytest.raises(Misuse, match="no session 'nn'"):
        bots["nn"]


def test_a_trader_steers_it_and_the_same_key_does_it_once(stand):
    bot = stand("trader").bot("mm")
    assert bot.set(half_spread_bps=0.5, reason="wider")["session"] == "mm"
    first = bot.pause("quotes look wrong", key="pause-number-1")
    assert first["state"] == "paused"
    assert bot.pause("quotes look wrong", key="pause-number-1")["command_id"] == first["command_id"]
    commands = [one["command"] for one in stand.session.asked]
    assert commands == ["set", "pause"]
    with pytest.raises(Misuse, match="kill switch is pulled"):
        bot.resume()
    with pytest.raises(Misuse, match="nothing is set"):
        bot.set()


@pytest.mark.parametrize("act", ["pause", "resume", "flatten", "start", "stop"])
def test_a_researcher_steers_nothing_and_is_told_which_role_does(stand, act):
    bot = stand("researcher").bot("mm")
    with pytest.raises(Misuse, match="may not operate") as fault:
        getattr(bot, act)("because")
    assert fault.value.status == 403
    assert "role trader" in fault.value.remedy
    assert stand.session.asked == []


def test_a_researcher_proposes(stand):
    bot = stand("researcher").bot("mm")
    told = bot.propose("spreads are wider now", half_spread_bps=0.5)
    assert told["kind"] == "session"
    assert told["tags"] == ["proposal"]
    with pytest.raises(Misuse, match="may not kill"):
        bot.kill(confirm="mm")


def test_a_kill_is_typed_and_latches_this_session_alone(stand):
    bot = stand("trader").bot("mm")
    with pytest.raises(Misuse, match="not confirmed"):
        bot.kill()
    assert scoped_stops(stand.folder) == []
    assert bot.kill(confirm="mm", reason="quotes look wrong")["target"] == "mm"
    (stop,) = scoped_stops(stand.folder)
    assert (stop.account, stop.target) == ("demo", "mm")


def test_the_awaited_face_does_the_same_in_a_loop_that_runs(stand):
    client = stand("trader")

    async def main():
        bot = client.aio.bot("mm")
        assert (await bot.status()).state == "active"
        assert (await bot.positions())[0]["quantity"]
        assert (await bot.pause("quotes look wrong"))["state"] == "paused"
        assert client.bot("mm").status.name == "mm"  # the one that waits works here too
        await client.aio.close()

    asyncio.run(main())


def test_logs_are_told_without_secrets(stand):
    path = stand.folder / "sessions" / "mm" / "log.jsonl"
    path.write_text('{"time":"2026-11-27T12:00:00Z","level":"info","event":"started","api_key":"canary-1234567"}\nplain\n')
    lines = stand("viewer").bot("mm").logs(10)
    assert "started" in repr(lines)
    assert "canary" not in repr(lines)
    with pytest.raises(Misuse):
        stand("viewer").bot("nn").logs()


def test_a_gateway_that_is_away_is_told_and_the_last_values_are_marked(stand):
    client = stand("viewer")
    bot = client.bot("mm")
    bot.client = Client("http://127.0.0.1:9", timeout_s=1, sleep=lambda _: None)
    with pytest.raises(Retry, match="does not answer"):
        _ = bot.status
    assert "[stale]" in repr(bot)
    assert "last known" in repr(bot)


def test_nothing_is_left_of_what_followed(stand):
    client = stand("viewer")
    watch = client.bot("mm").watch()
    assert client.follow() is watch.live
    assert any(one.name == "b25-live" for one in threading.enumerate())
    assert watch.latest.name == "mm"
    client.close()
    assert not any(one.name == "b25-live" for one in threading.enumerate())


def test_the_key_of_notebooks_is_looked_for_and_what_is_wrong_with_it_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("B25_TOKEN_FILE", raising=False)
    with pytest.raises(Misuse, match="no key for notebooks") as fault:
        connect()
    assert "b25 token create --service notebook" in fault.value.remedy
    path = tmp_path / "a.token"
    path.write_text("b25_0123456789ab_" + "s" * 40)
    path.chmod(0o644)
    monkeypatch.setenv("B25_TOKEN_FILE", str(path))
    with pytest.raises(Misuse, match="others can read"):
        connect()
    path.chmod(0o600)
    monkeypatch.setenv("B25_GATEWAY__PORT", "9")
    with pytest.raises(Retry, match="does not answer"):
        connect()
    path.write_text("")
    with pytest.raises(Misuse, match="is empty"):
        connect()
    assert os.environ["B25_TOKEN_FILE"]
