"""A session in time, in each mode, against the simulated venue on its wire; and what its journal says afterwards."""

import asyncio
import importlib

import numpy as np
import pytest

from b25.market.feed.binance_streams import address_of
from b25.market.feed.settings import FeedSettings
from b25.model.errors import Misuse
from b25.model.message import USDM
from b25.model.order import SUBMIT
from b25.risk.limits import Limits
from b25.runner.live_session import LivePlan, live
from b25.session.commands import Command
from b25.session.replay import replay
from b25.store.journal import EFFECTS, EVENTS, Reading
from b25.venue.ccxt.connect import connect
from b25.venue.ccxt.profile import Profile, Where
from b25.venue.crowd.opening import open_crowds
from b25.venue.exchange.listings import default_listings
from b25.venue.in_process.reports import listing_report
from b25.venue.port.reports import Kind
from b25.venue.wire.server import VenueSettings
from b25.venue.wire.thread import VenueThread

SYMBOL = "BTC/USDT:USDT"
LONGEST_S = 60.0  # each ends as soon as it has seen what it waits for; a busy machine takes longer
# Near enough to the touch that the crowd trades with it within seconds.
PARAMS = {"half_spread_bps": 0.02, "quantity": 0.01, "max_position": 0.03, "market_spread_bps_min": 0.0, "requote_bps": 0.05}
MakesMarkets = importlib.import_module("strategies.market_maker").MarketMaker


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    """A venue with a living market, and an account with money."""
    folder = tmp_path_factory.mktemp("venue")
    settings = VenueSettings(folder=folder, tls_port=0, port=0, warm_up_s=30.0)
    listings = default_listings(["BTCUSDT"], ["BTCUSDT"])
    with VenueThread(settings, listings=listings, market=lambda exchange: open_crowds(exchange, seed=25)) as thread:
        yield thread


def account_of(venue, name):
    def make(inside):
        account = inside.exchange.open_account(name)
        inside.exchange.deposit(account, "linear", "USDT", "100000")
        return account, inside.exchange.make_key(account)

    return venue.call(make)


def instrument_of(venue):
    return venue.call(lambda inside: listing_report(inside.exchange.linear["BTCUSDT"]).instrument)


def plan_of(venue, folder, mode, **more):
    inside = venue.venue
    plan = {
        "name": f"{mode}-1", "mode": mode, "cls": MakesMarkets, "params": PARAMS, "instruments": [instrument_of(venue)],
        "folder": folder, "address": address_of(USDM, inside.plain_url), "feed": FeedSettings(spin_s=0.0), "seconds": LONGEST_S,
        "limits": Limits(position_max=0.05), "latency_ns": 1_000_000, "store": f"sqlite:///{folder / 'b25.db'}",
    }  # fmt: skip
    return LivePlan(**(plan | more))


def port_of(venue, key):
    inside = venue.venue
    profile = Profile(
        exchange="binance", kind=Kind.LINEAR, where=Where.LOOPBACK, key=key.key, secret=key.secret,
        rest_url=inside.rest_url, ws_url=inside.ws_url, cafile=str(inside.cafile),
    )  # fmt: skip
    return lambda: connect(profile)


async def seen(holds):
    """Wait for a state, which nobody announces."""
    while True:
        if holds():
            return
        await asyncio.sleep(0.01)


def until(holds, after=lambda loop: loop.stop("it was seen")):
    """Return a watch that looks until something holds, then does something: no moment is right on every machine."""

    async def look(loop):
        await seen(lambda: holds(loop))
        after(loop)

    def watch(loop):
        loop.looking = asyncio.get_running_loop().create_task(look(loop))

    return watch


def has_filled(loop):
    return loop.gateway.counts.fills > 0


def both(*watches):
    return lambda loop: [watch(loop) for watch in watches]


def effects_in(path):
    return np.concatenate([record.effects for record in Reading(path) if record.kind == EFFECTS])


def test_a_live_session_trades_through_ccxt_ends_flat_of_orders_and_replays(venue, tmp_path):
    account, key = account_of(venue, "live")
    said = []
    plan = plan_of(venue, tmp_path, "live", port=port_of(venue, key), flatten=True)
    kept = {}
    facts = asyncio.run(live(plan, said.append, both(lambda loop: kept.update(loop=loop), until(has_filled))))
    loop = kept["loop"]
    machine = loop.session.machine
    assert facts["halt"] is None, said
    assert facts["live_orders"] == 0, said
    assert facts["not_certainly_cancelled"] == []
    assert loop.gateway.counts.fills > 0, said
    assert int(machine.world.positions[0]["position_lots"]) == 0
    # The venue has what the world has: no order, the same fills, the same fees.
    orders, fills, held = venue.call(
        lambda inside: (
            inside.exchange.linear_orders.open_orders(account, "BTCUSDT"),
            inside.exchange.linear_orders.my_trades(account, "BTCUSDT", limit=1000),
            [one.state.lots for one in inside.exchange.linear_views.positions(account)],
        )
    )
    assert orders == []
    assert len(fills) == int(machine.world.positions[0]["fills"])
    assert not any(held)
    fees_e8 = int(machine.world.positions[0]["fees"]) * 10**8 + int(machine.world.positions[0]["fees_e8"])
    unit = machine.instruments[0].money_unit
    assert abs(fees_e8 * float(unit) / 1e8 - sum(fill.commission for fill in fills) / 1e8) < 1e-9
    for compiled in (True, False):
        report = replay(plan.journal, MakesMarkets, compiled=compiled)
        assert report.agrees, report.divergence
        assert report.ended
        assert report.effects == facts["effects"] > 0
    dearer = plan.composition().fees.copy()
    dearer["maker_e8"] += 1
    caught = replay(plan.journal, MakesMarkets, fees=dearer)
    assert "fees" in caught.divergence.what


def test_paper_trades_in_a_mirror_and_replays(venue, tmp_path):
    plan = plan_of(venue, tmp_path, "paper", flatten=True)
    kept, said = {}, []
    facts = asyncio.run(live(plan, said.append, both(lambda loop: kept.update(loop=loop), until(has_filled))))
    machine = kept["loop"].session.machine
    assert facts["halt"] is None, said
    assert facts["live_orders"] == 0
    assert kept["loop"].gateway.counts.fills > 0, said
    assert int(machine.world.positions[0]["position_lots"]) == 0
    report = replay(plan.journal, MakesMarkets)
    assert report.agrees, report.divergence


def test_observing_sends_nothing_and_shows_what_would_have_been_sent(venue, tmp_path):
    plan = plan_of(venue, tmp_path, "observe")
    kept, said = {}, []
    has_decided = until(lambda loop: loop.gateway.withheld > 0)
    facts = asyncio.run(live(plan, said.append, both(lambda loop: kept.update(loop=loop), has_decided)))
    assert facts["halt"] is None, said
    assert (effects_in(plan.journal)["kind"] == SUBMIT).any()
    assert facts["live_orders"] == 0
    assert int(kept["loop"].session.machine.world.positions[0]["fills"]) == 0
    assert replay(plan.journal, MakesMarkets).agrees


def test_commands_enter_as_events_and_are_replayed(venue, tmp_path):
    _, key = account_of(venue, "commanded")
    plan = plan_of(venue, tmp_path, "live", name="commanded", port=port_of(venue, key))
    shown = {}

    async def wait(holds, loop, name):
        machine = loop.session.machine
        await seen(lambda: holds(machine.live_orders, int(machine.world.positions[0]["position_lots"])))
        shown[name] = True

    async def drive(loop):
        await wait(lambda orders, held: orders > 0, loop, "working")
        loop.command(Command.PAUSE)
        await wait(lambda orders, held: orders == 0, loop, "paused")
        loop.set_parameter("half_spread_bps", 0.5)
        loop.command(Command.RESUME)
        await wait(lambda orders, held: orders > 0, loop, "resumed")
        loop.command(Command.FLATTEN)
        await wait(lambda orders, held: (orders, held) == (0, 0), loop, "flat")
        loop.stop("driven to its end")

    def watch(loop):
        loop.driving = asyncio.get_running_loop().create_task(drive(loop))

    facts = asyncio.run(live(plan, print, watch))
    assert facts["halt"] is None
    assert facts["why"] == "driven to its end"
    assert shown == {"working": True, "paused": True, "resumed": True, "flat": True}
    commands = [
        Command(int(event["status"]))
        for record in Reading(plan.journal)
        if record.kind == EVENTS
        for event in record.events
        if event["kind"] == 17
    ]
    for one in (Command.START, Command.PAUSE, Command.SET, Command.RESUME, Command.FLATTEN, Command.STOP, Command.DRAIN):
        assert one in commands
    report = replay(plan.journal, MakesMarkets)
    assert report.agrees, report.divergence


def test_a_plan_that_cannot_be_run_is_refused(venue, tmp_path):
    for change in ({"mode": "guess"}, {"name": "Not A Name"}, {"instruments": []}, {"mode": "live"}):
        with pytest.raises(Misuse):
            plan_of(venue, tmp_path, change.pop("mode", "observe"), **change)
