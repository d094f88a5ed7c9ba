"""Two sessions of one account never send at the same time, whatever store each keeps: they cannot trade with each other."""

import os

import pytest

from b25.model.errors import Misuse
from b25.runner.live_session import LivePlan
from b25.runner.run_supervised import Supervision, run_supervised
from b25.runner.sole_sender import sole_sender
from b25.runner.supervised import Supervised
from tests.engine.runs import ETH
from tests.session.test_commands_state import Wisher


@pytest.fixture
def first(tmp_path):
    own = Supervised.begin(tmp_path / "run", "first", account="demo")
    with sole_sender(own, ETH.venue, [ETH.symbol]):
        yield own
    own.end()


def second(tmp_path, account, said):
    plan = LivePlan(
        name="second", mode="live", cls=Wisher, instruments=[ETH], folder=tmp_path / "sessions", store="sqlite:///another.db",
        port=lambda: pytest.fail("nothing may be opened"),
    )  # fmt: skip
    return run_supervised(plan, said.append, Supervision(folder=tmp_path / "run", account=account, proves_gate=False))


def test_a_second_session_of_an_account_is_refused_by_name_though_it_has_another_store(first, tmp_path):
    with pytest.raises(Misuse, match=rf"session first \(process {os.getpid()}\) sends for account demo") as caught:
        second(tmp_path, "demo", [])
    assert "an account of its own" in caught.value.remedy


def test_another_account_or_venue_or_a_session_that_sends_nothing_is_not_in_the_way(first, tmp_path):
    for name, account, venue in (("a", "other", ETH.venue), ("b", "demo", "elsewhere"), ("c", "", ETH.venue)):
        own = Supervised.begin(tmp_path / "run", name, account=account)
        with sole_sender(own, venue, [ETH.symbol]):
            pass
        own.end()


def test_two_sessions_of_an_account_trade_two_symbols(first, tmp_path):
    own = Supervised.begin(tmp_path / "run", "other", account="demo")
    with sole_sender(own, ETH.venue, ["BTC/USDT:USDT"]):
        pass
    with pytest.raises(Misuse, match="could trade with each other"), sole_sender(own, ETH.venue, ["BTC/USDT:USDT", ETH.symbol]):
        pass
    own.end()


def test_the_lock_goes_with_its_holder(tmp_path):
    own = Supervised.begin(tmp_path / "run", "first", account="demo")
    for _ in range(2):
        with sole_sender(own, ETH.venue, [ETH.symbol]):
            pass
    own.end()


def test_what_cannot_be_known_is_refused(tmp_path):
    own = Supervised.begin(tmp_path / "run", "first", account="demo")
    (tmp_path / "run" / "accounts").write_text("no folder")
    with pytest.raises(Misuse, match="cannot be known"), sole_sender(own, ETH.venue, [ETH.symbol]):
        pass
    own.end()
