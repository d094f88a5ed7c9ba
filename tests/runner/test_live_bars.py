"""Sessions on bars in observe, paper and live, against the simulated venue on sockets; they end by what is seen."""

import asyncio
import json

import numpy as np
import pytest

import b25
from b25.cli import main
from b25.kernels.book import CLEAR_CROSSED  # noqa: F401 - the kernels are compiled before the first test is timed
from b25.market.bar_history import BinanceHistory
from b25.market.feed.settings import FeedSettings
from b25.market.timeframe import timeframe
from b25.model.bar import BAR as BAR_ROW
from b25.model.errors import Misuse
from b25.model.event import BAR, COMMAND, LAST_OF_MESSAGE, MARK, ORDER_FILLED
from b25.model.order import SUBMIT, Reason
from b25.runner.bar_plan import check_bars, frames_for
from b25.runner.live_session import live
from b25.session.bar_events import BarFrames, frames_of
from b25.session.replay import replay
from b25.store.journal import EVENTS, Reading
from b25.venue.crowd.opening import open_crowds
from b25.venue.exchange.listings import default_listings
from b25.venue.in_process.reports import listing_report
from b25.venue.wire.server import VenueSettings
from b25.venue.wire.thread import VenueThread
from strategies.rebalance import Rebalance
from tests.runner.test_live_session import account_of, both, effects_in, plan_of, port_of, seen, until, venue  # noqa: F401 - a fixture

S_NS = 10**9
LONGEST_S = 300.0  # each ends as soon as it has seen what it waits for
ONE_S = timeframe("1s")


class Flips(b25.Strategy):
    """Long after one bar, short after the next."""

    quantity: float = b25.param(0.01, gt=0, unit="base")
    bars: int = 0
    larger: float = 0.0

    def on_bar(self, ctx):
        self.bars += 1
        self.larger += ctx.bars_seen(0, 1)
        ctx.target(self.quantity if self.bars % 2 else -self.quantity)


class FlipsOnTicks(b25.Strategy):
    """The same, on bars of one timeframe."""

    quantity: float = b25.param(0.01, gt=0, unit="base")
    bars: int = 0

    def on_bar(self, ctx):
        self.bars += 1
        if ctx.bar().volume > 0.0 and self.bars % 2:
            ctx.target(self.quantity)
        else:
            ctx.target(-self.quantity)


def events_in(path):
    return np.concatenate([record.events for record in Reading(path) if record.kind == EVENTS])


def rows_of(events):
    """Bars of the smallest timeframe, as they stand in a journal."""
    told = events[(events["kind"] == BAR) & (events["status"] == 0)]
    rows = np.zeros(len(told), BAR_ROW)
    rows["open_ns"], rows["close_ns"] = told["exch_ns"], told["seq"]
    rows["open_ticks"], rows["close_ticks"] = told["price_ticks"] >> 32, told["price_ticks"] & (2**32 - 1)
    rows["high_ticks"], rows["low_ticks"] = told["amount"] >> 32, told["amount"] & (2**32 - 1)
    rows["volume_lots"], rows["buy_lots"] = told["qty_lots"], told["order_id"]
    return rows


def venues_own(plan, since_ns, until_ns):
    async def ask():
        history = BinanceHistory(plan.instruments, plan.address.snapshot_url.rsplit("/", 1)[0])
        try:
            return await history.bars(0, ONE_S, since_ns, until_ns)
        finally:
            await history.close()

    return asyncio.run(ask())


def test_live_on_bars_is_warmed_up_trades_and_replays(venue, tmp_path):  # noqa: F811
    _, key = account_of(venue, "bars")
    frames, said, kept = BarFrames(ONE_S, (timeframe("5s"),)), [], {}
    plan = plan_of(
        venue,
        tmp_path,
        "live",
        name="bars",
        seconds=LONGEST_S,
        cls=Flips,
        params={},
        port=port_of(venue, key),
        frames=frames,
        warm_up=8,
        flatten=True,
    )
    traded = until(lambda loop: loop.gateway.counts.fills > 1 and loop.bars.bars.built)
    facts = asyncio.run(live(plan, said.append, both(lambda loop: kept.update(loop=loop), traded)))
    assert facts["halt"] is None, said
    assert facts["live_orders"] == 0, said
    assert int(kept["loop"].session.machine.world.positions[0]["position_lots"]) == 0
    events = events_in(plan.journal)
    start = events[events["kind"] == COMMAND][0]
    # What it saw of before the start are whole bars, and every order that it asked for was refused.
    effects = effects_in(plan.journal)
    early = effects[effects["time_ns"] < start["amount"]]
    assert len(early) > 0
    assert set(early["reason"]) == {Reason.WARMING_UP}
    assert (effects[effects["time_ns"] >= start["amount"]]["kind"] == SUBMIT).any()
    # A fill's price is told before it.
    (filled,) = np.nonzero(events["kind"] == ORDER_FILLED)
    assert len(filled) > 1
    assert all(events[k - 1]["kind"] == MARK and events[k - 1]["price_ticks"] == events[k]["price_ticks"] for k in filled)
    # Bars of before the start, of the gap between history and feed, and of the feed itself: all are the venue's own.
    rows = rows_of(events)
    assert np.all(np.diff(rows["open_ns"]) > 0)
    own = venues_own(plan, int(rows["open_ns"][0]), int(rows["close_ns"][-1]))
    assert rows.tobytes() == own.tobytes()
    larger = events[(events["kind"] == BAR) & (events["status"] == 1)]
    assert len(larger) > 0
    assert np.all(larger["seq"] - larger["exch_ns"] == 5 * S_NS)
    for compiled in (True, False):
        report = replay(plan.journal, Flips, compiled=compiled)
        assert report.agrees, report.divergence
        assert report.effects == facts["effects"] > 0
    dearer = plan.composition().fees.copy()
    dearer["taker_e8"] += 1
    assert "fees" in replay(plan.journal, Flips, fees=dearer).divergence.what


def test_paper_on_bars_of_ticks_trades_and_replays(venue, tmp_path):  # noqa: F811
    plan = plan_of(
        venue,
        tmp_path,
        "paper",
        name="ticks",
        seconds=LONGEST_S,
        cls=FlipsOnTicks,
        params={},
        frames=frames_of(FlipsOnTicks, "5 ticks"),
        flatten=True,
    )
    kept, said = {}, []
    traded = until(lambda loop: loop.gateway.counts.fills > 2)
    facts = asyncio.run(live(plan, said.append, both(lambda loop: kept.update(loop=loop), traded)))
    assert facts["halt"] is None, said
    assert facts["live_orders"] == 0
    rows = rows_of(events_in(plan.journal))
    assert len(rows) > 2
    assert np.all(rows["open_ns"][1:] >= rows["close_ns"][:-1])
    report = replay(plan.journal, FlipsOnTicks)
    assert report.agrees, report.divergence


def test_observing_bars_sends_nothing(venue, tmp_path):  # noqa: F811
    plan = plan_of(
        venue, tmp_path, "observe", name="watched", seconds=LONGEST_S, cls=FlipsOnTicks, params={}, frames=BarFrames(ONE_S)
    )
    decided = until(lambda loop: loop.gateway.withheld > 1)
    facts = asyncio.run(live(plan, print, decided))
    assert facts["halt"] is None
    assert (effects_in(plan.journal)["kind"] == SUBMIT).any()
    assert replay(plan.journal, FlipsOnTicks).agrees


def test_bars_of_a_cut_feed_are_the_venues_own_all_the_same(venue, tmp_path):  # noqa: F811
    plan = plan_of(
        venue, tmp_path, "observe", name="cut", seconds=LONGEST_S, cls=FlipsOnTicks, params={}, frames=BarFrames(ONE_S),
        warm_up=3, feed=FeedSettings(spin_s=0.0, wait_first_s=0.1),
    )  # fmt: skip
    said, kept = [], {}

    async def drive(loop):
        await seen(lambda: len(loop.bars.bars.built) > 1)
        venue.call(lambda inside: inside.faults.set("cut"))
        await seen(lambda: any("are the venue's own" in text for text in said))
        kept["built"] = len(loop.bars.bars.built)
        await seen(lambda: len(loop.bars.bars.built) > kept["built"] + 1)
        loop.stop("it was seen")

    facts = asyncio.run(live(plan, said.append, lambda loop: kept.update(drive=asyncio.ensure_future(drive(loop)))))
    assert facts["halt"] is None
    assert facts["why"] == "it was seen", said
    assert any("may be missing" in text for text in said)
    rows = rows_of(events_in(plan.journal))
    assert rows.tobytes() == venues_own(plan, int(rows["open_ns"][0]), int(rows["close_ns"][-1])).tobytes()
    assert replay(plan.journal, FlipsOnTicks).agrees


def test_a_portfolio_of_two_instruments_is_rebalanced_on_paper(tmp_path):
    names = ["BTCUSDT", "ETHUSDT"]
    settings = VenueSettings(folder=tmp_path / "venue", tls_port=0, port=0, warm_up_s=10.0)
    listings = default_listings(names, names)
    params = {"lookback": 3, "period": 2, "band": 0.0}
    with VenueThread(settings, listings=listings, market=lambda exchange: open_crowds(exchange, seed=25)) as two:
        instruments = two.call(lambda inside: [listing_report(inside.exchange.linear[name]).instrument for name in names])
        plan = plan_of(
            two, tmp_path, "paper", name="both", seconds=LONGEST_S, cls=Rebalance, params=params, instruments=instruments,
            frames=BarFrames(ONE_S), warm_up=4, limits=b25.Limits(), balance=1_000_000.0,
        )  # fmt: skip
        traded = until(lambda loop: all(loop.session.machine.world.positions["fills"] > 0))
        said = []
        facts = asyncio.run(live(plan, said.append, traded))
    assert facts["halt"] is None, said
    assert facts["why"] == "it was seen", said
    events = events_in(plan.journal)
    bars = events[events["kind"] == BAR]
    assert set(bars["instrument"].tolist()) == {0, 1}
    # Whose bars close at one border are told at one moment, the last of them marked.
    for border in np.unique(bars["seq"]):
        flags = bars[bars["seq"] == border]["flags"].tolist()
        assert flags == [0] * (len(flags) - 1) + [LAST_OF_MESSAGE]
    report = replay(plan.journal, Rebalance)
    assert report.agrees, report.divergence


def test_the_command_takes_a_timeframe_and_its_journal_replays(venue, tmp_path, capsys):  # noqa: F811
    cross = "strategies/moving_average_cross.py:MovingAverageCross"
    _, key = account_of(venue, "commanding")
    (tmp_path / "venue-keys.json").write_text(json.dumps({"api_key": key.key, "secret": key.secret}))
    (tmp_path / "venue-cert.pem").write_bytes(venue.venue.cafile.read_bytes())
    words = ["run", cross, "--mode", "observe", "--name", "bars", "--folder", str(tmp_path), "--for-s", "5", "--json"]
    words += ["--at", str(tmp_path), "--rest-url", venue.venue.rest_url, "--plain-url", venue.venue.plain_url]
    assert main([*words, "--timeframe", "1s", "--warm-up", "5", "--set", "fast=1", "--set", "slow=2"]) == 0
    out, err = capsys.readouterr()
    assert "bars: warmed up by 5 of 1s" in err
    assert json.loads(out)["effects"] > 0
    assert main(["session", "replay", "bars", "--folder", str(tmp_path)]) == 0
    assert "agreement" in capsys.readouterr().out
    assert main(["session", "replay", "bars", "--folder", str(tmp_path), "--set", "slow=3"]) == 1
    assert "DIVERGENCE" in capsys.readouterr().out  # at the first effect that differs, or in the state where none came
    assert main(words) == 1
    assert "runs on bars, and nothing says which" in capsys.readouterr().out
    assert main([*words, "--timeframe", "7x"]) == 1
    assert "7x" in capsys.readouterr().out


def test_what_would_not_be_called_live_is_refused():
    class Both(FlipsOnTicks):
        def on_trade(self, ctx):
            self.bars += 1

    class OnTicks(b25.Strategy):
        def on_trade(self, ctx):
            ctx.log(1, 1.0)

    one = BarFrames(ONE_S)
    for cls, frames in ((Both, one), (OnTicks, one), (FlipsOnTicks, None)):
        with pytest.raises(Misuse):
            check_bars(cls, frames, [])
    with pytest.raises(Misuse, match="ticks of several"):
        check_bars(FlipsOnTicks, frames_of(FlipsOnTicks, "5 ticks"), [object(), object()])
    for cls, text, warm_up in (
        (OnTicks, "1m", None),
        (FlipsOnTicks, "", None),
        (FlipsOnTicks, "5 ticks", 7),
        (FlipsOnTicks, "1m", -1),
    ):
        with pytest.raises(Misuse):
            frames_for(cls, text, warm_up)
    assert frames_for(OnTicks, "", None) == (None, 0)
    assert frames_for(FlipsOnTicks, "1m", None)[1] == 200
    assert frames_for(FlipsOnTicks, "100 ticks", None)[1] == 0


def test_a_class_says_itself_what_it_runs_on():
    class Declared(FlipsOnTicks):
        frames = b25.bars("1m", "15m")

    found = frames_of(Declared)
    assert found.names == ("1m", "15m")
    assert found == frames_of(Declared, "1m")
    with pytest.raises(Misuse, match="runs on bars of 1m"):
        frames_of(Declared, "5m")
