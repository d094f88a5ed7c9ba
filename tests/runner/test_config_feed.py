"""What is configured reaches a running session, is taken over between two events, answered, and replayed to the same bytes."""

import asyncio
import importlib
import time

import pytest

from b25.config.approvals import Approvals
from b25.config.configurations import Configurations
from b25.config.outcome import Author
from b25.model.errors import Misuse
from b25.model.order import Reason
from b25.runner.control import ask_session
from b25.runner.run_supervised import Supervision, run_supervised
from b25.session.replay import replay
from b25.store.config_desk import acks
from b25.store.store import open_store
from tests.runner.test_live_session import LONGEST_S, MakesMarkets, plan_of, seen, venue

__all__ = ["venue"]
ANN, BOB = Author("ann"), Author("bob")
KEY, PARAMETERS = "default/paper-1/paper/limits", "default/paper-1/paper/strategy"
FILE = "strategies/market_maker.py:MarketMaker"


def load(where):
    return importlib.import_module(where.partition(".py")[0].replace("/", ".")).MarketMaker


class Stand:
    """A session on paper that goes by a store, and what is done to the store while it runs."""

    def __init__(self, venue, folder, **more):
        self.folder, self.url = folder, f"sqlite:///{folder / 'config.db'}"
        self.store = open_store(self.url, readers=2)
        self.configurations = Configurations(self.store, load=load)
        self.plan = plan_of(venue, folder, "paper", port=None, **more)
        self.said, self.fault, self.loop = [], None, None

    def hold(self, key, kind, value, by=ANN):
        """Have a value hold, whatever holds now; who loosens is agreed with."""
        try:
            head = self.configurations.head(key)
            self.configurations.update(key, head.version, value, by)
        except Misuse:
            self.configurations.create(key, kind, value, by)
        came = self.configurations.activate(key, by)
        if came.pending is not None:
            came = Approvals(self.configurations).approve(came.pending.id, BOB)
        return came.version.number

    def answers(self):
        return {one.key: one for one in acks(self.store)}

    async def answered(self, key, version):
        await seen(lambda: (one := self.answers().get(key)) is not None and one.version == version)
        return self.answers()[key]

    def run(self, act, also=lambda loop: None):
        """Run the session; `act(stand, loop)` once its book is there."""

        async def tell(loop):
            self.loop = loop
            try:
                await seen(lambda: loop.session.machine.world.books["best_bid_ticks"][0] > 0 and loop.messages > 5)
                await act(self, loop)
            except BaseException as fault:
                self.fault = fault
            finally:
                loop.stop("it was seen")

        def watch(loop):
            also(loop)
            loop.telling = asyncio.get_running_loop().create_task(tell(loop))
            asyncio.get_running_loop().call_later(LONGEST_S, loop.stop, "it took too long")

        supervision = Supervision(folder=self.folder / "run", configuration=self.url)
        facts = run_supervised(self.plan, self.said.append, supervision, watch)
        if self.fault is not None:
            raise self.fault
        report = replay(self.plan.journal, MakesMarkets)
        assert report.agrees, report.divergence
        return facts


@pytest.fixture
def stand(venue, tmp_path):
    made = Stand(venue, tmp_path)
    yield made
    made.store.close()


def limit(loop, name):
    return loop.session.machine.world.limits[name][0]


@pytest.mark.spec("CF-14")
@pytest.mark.spec("CF-15")
@pytest.mark.spec("CF-16")
def test_limits_and_parameters_reach_a_running_session_which_says_what_it_runs(stand):
    async def act(stand, loop):
        worth = loop.configuration.prices()[0] * 0.005  # half of what the strategy asks for
        version = stand.hold(KEY, "risk_limit", {"account": {"order_value_max": worth}})
        told = await stand.answered(KEY, version)
        assert (told.outcome, told.session, told.detail) == ("applied", "paper-1", "")
        await seen(lambda: Reason.ORDER_VALUE_LIMIT in refused(loop))
        version = stand.hold(PARAMETERS, "strategy", {"name": "mm", "type": FILE, "parameters": {"quantity": 0.02}})
        assert (await stand.answered(PARAMETERS, version)).outcome == "applied"
        assert loop.session.machine.record["quantity"][0] == 0.02
        version = stand.hold(KEY, "risk_limit", {"account": {"order_value_max": 50_000.0}})
        assert (await stand.answered(KEY, version)).outcome == "applied"
        assert int(limit(loop, "version")) == version

    stand.run(act)


def refused(loop):
    return {Reason(int(one)) for one in loop.session.machine.world.outbox["reason"]}


@pytest.mark.spec("CF-16")
@pytest.mark.spec("RM-13")
def test_what_a_session_cannot_take_over_it_refuses_says_why_and_goes_on_with_what_it_had(stand):
    async def act(stand, loop):
        first = stand.hold(KEY, "risk_limit", {"account": {"collar": 0.05}})
        await stand.answered(KEY, first)
        # Below what the venue takes as the smallest order: an account that is well could send nothing.
        second = stand.hold(KEY, "risk_limit", {"account": {"collar": 0.01, "order_value_max": 0.01}})
        told = await stand.answered(KEY, second)
        assert told.outcome == "rejected"
        assert "failed its self-test" in told.detail
        assert int(limit(loop, "collar_e6")) == 50_000
        assert int(limit(loop, "version")) == first
        other = stand.hold(PARAMETERS, "strategy", {"name": "x", "type": "strategies/imbalance.py:Imbalance"})
        assert (await stand.answered(PARAMETERS, other)).outcome == "requires_restart"

    stand.configurations.load = lambda where: load(FILE)
    stand.run(act)
    assert any("is refused: the risk gate failed" in one for one in stand.said)
    assert "is refused, the one before goes on" in (stand.folder / "run" / "alarms.jsonl").read_text()


def test_a_session_starts_with_what_is_configured_and_no_limit_of_its_own_is_widened(stand):
    stand.hold(KEY, "risk_limit", {"account": {"position_max": 5.0, "collar": 0.03}})
    stand.hold("default/default/default/strategy", "strategy", {"name": "mm", "type": FILE, "parameters": {"quantity": 0.005}})

    async def act(stand, loop):
        machine = loop.session.machine
        assert machine.record["quantity"][0] == 0.005
        assert int(limit(loop, "collar_e6")) == 30_000
        lots = stand.plan.instruments[0].lots("0.05")
        assert int(limit(loop, "position_lots_max")) == lots  # what it was started with is tighter
        assert stand.answers()[KEY].outcome == "applied"

    stand.run(act)


def test_a_session_does_not_start_under_a_configuration_that_it_cannot_take_over(stand):
    stand.hold(PARAMETERS, "strategy", {"name": "mm", "type": FILE, "enabled": False})
    with pytest.raises(Misuse, match="configured not to run"):
        stand.run(None)


def test_a_strategy_that_is_switched_off_pauses_and_a_pair_that_is_has_its_orders_cancelled(stand):
    async def act(stand, loop):
        symbol = stand.plan.instruments[0].symbol
        pair = {
            "symbol": symbol, "base": "BTC", "quote": "USDT", "min_order_size": "0.001", "max_order_size": "1",
            "price_precision": 1, "quantity_precision": 3,
        }  # fmt: skip
        key = "default/default/default/BTC_USDT_USDT"
        told = await stand.answered(key, stand.hold(key, "trading_pair", {**pair, "enabled": False}))
        assert (told.outcome, told.detail) == ("applied", "")
        assert int(limit(loop, "trading")) == 2
        await seen(lambda: loop.session.machine.live_orders == 0)
        await stand.answered(key, stand.hold(key, "trading_pair", pair))
        assert int(limit(loop, "trading")) == -1
        off = stand.hold(PARAMETERS, "strategy", {"name": "mm", "type": FILE, "enabled": False})
        assert (await stand.answered(PARAMETERS, off)).detail == "paused"
        assert int(loop.session.machine.world.risk["state"][0]) == 1

    stand.run(act)


@pytest.mark.spec("CF-12")
def test_over_its_socket_a_session_tries_a_value_takes_over_a_tighter_one_and_refuses_a_looser_one(stand):
    async def act(stand, loop):
        def ask(value, **more):
            request = {"type": "risk_limit", "key": KEY, "version": 1, "value": value, "by": "ann", **more}
            return asyncio.to_thread(ask_session, stand.folder / "run", "paper-1", "configure", **request)

        tried = await ask({"account": {"collar": 0.02}}, dry_run=True)
        assert (tried["outcome"], int(limit(loop, "collar_e6"))) == ("applied", -1)
        assert (await ask({"account": {"collar": 0.02}}))["outcome"] == "applied"
        assert int(limit(loop, "collar_e6")) == 20_000
        with pytest.raises(Misuse, match=r"it loosens account: collar: 0\.02 -> 0\.05"):
            await ask({"account": {"collar": 0.05}}, version=2)
        with pytest.raises(Misuse, match=r"account\.colar.*: is not known"):
            await ask({"account": {"colar": 0.05}}, version=2)
        with pytest.raises(Misuse, match="does not go by"):
            await ask({"account": {"collar": 0.01}}, key="default/other/paper/limits")
        assert (await asyncio.to_thread(ask_session, stand.folder / "run", "paper-1", "configure"))["looking"] is True

    stand.run(act)


def test_a_store_that_goes_costs_a_session_nothing_but_is_told_of(stand):
    async def act(stand, loop):
        feed = stand_feed(loop)
        feed.configurations.links = broken
        stand.hold(KEY, "risk_limit", {"account": {"collar": 0.02}})
        alarms = stand.folder / "run" / "alarms.jsonl"
        await seen(lambda: alarms.exists() and "cannot be followed" in alarms.read_text())
        del feed.configurations.links
        feed.seq = 0
        assert (await stand.answered(KEY, 1)).outcome == "applied"

    stand.run(act)


def broken(kind, key):
    raise OSError("the disk is away")


def stand_feed(loop):
    return loop.configuration.wake.__self__


def test_it_is_quick(stand):
    """No bound here, that is for the benchmarks: it is answered at all, many times over, in order."""

    async def act(stand, loop):
        for k in range(10):
            loop.configuration.wake()
            version = stand.hold(KEY, "risk_limit", {"account": {"collar": 0.05 - k * 0.001}})
            begun = time.perf_counter()
            loop.configuration.wake()
            assert (await stand.answered(KEY, version)).outcome == "applied"
            took.append(time.perf_counter() - begun)

    took = []
    stand.run(act)
    assert len(took) == 10
