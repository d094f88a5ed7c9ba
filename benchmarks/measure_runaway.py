"""A strategy that sends a thousand orders a second: how many orders reached the venue above its limits."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contestants import BenchFailed
from figures import Figure
from stage import Stage

from b25.market.feed.binance_streams import address_of
from b25.market.feed.settings import FeedSettings
from b25.model.message import USDM
from b25.model.risk import Control
from b25.risk.limits import Limits
from b25.runner.live import LiveLoop
from b25.runner.live_session import LivePlan, live
from b25.session.picture import picture_of
from b25.venue.ccxt.connect import connect
from b25.venue.ccxt.profile import Profile, Where
from b25.venue.crowd.opening import open_crowds
from b25.venue.exchange.listings import default_listings
from b25.venue.in_process.reports import listing_report
from b25.venue.port.reports import Kind
from b25.venue.wire.server import VenueSettings
from b25.venue.wire.thread import VenueThread

STRATEGY = Path(__file__).resolve().parent / "runaway_strategy.py"
RATE, BURST, POSITION_MAX, SECONDS = 20, 20, 0.2, 15.0


def runaway(stage: Stage) -> Iterator[Figure]:
    """Through the whole of a live session: gate, ccxt, HTTPS, and counted by the venue itself."""
    from b25.research.strategy_file import load_strategy

    cls = load_strategy(f"{STRATEGY}:Runaway")
    folder = Path(tempfile.mkdtemp())
    settings = VenueSettings(folder=folder / "venue", tls_port=0, port=0, warm_up_s=10.0)
    listings = default_listings(["BTCUSDT"], ["BTCUSDT"])
    with VenueThread(settings, listings=listings, market=lambda exchange: open_crowds(exchange, seed=25)) as venue:
        account, plan = _plan(venue, cls, folder)
        kept: dict[str, Any] = {}
        facts = asyncio.run(live(plan, lambda text: None, lambda loop: kept.update(loop=loop, began_s=time.monotonic())))
        ran_s = time.monotonic() - kept["began_s"]
        orders, lots = venue.call(
            lambda inside: (
                inside.exchange.linear_orders.all_orders(account, "BTCUSDT", limit=1000),
                [abs(one.state.lots) for one in inside.exchange.linear_views.positions(account)],
            )
        )
    loop: LiveLoop = kept["loop"]
    refused = picture_of(loop.session.machine)["risk"]["refused"]
    asked = refused + int(loop.session.machine.head["submits"])
    if facts["halt"] or asked < 500 * SECONDS / 2:
        raise BenchFailed(f"the strategy ran away too slowly: {asked} orders in {ran_s:.0f} s; {facts['halt']}")
    allowed = int(BURST + RATE * ran_s)
    above = max(0, len(orders) - allowed)
    lots_max = int(POSITION_MAX / float(plan.instruments[0].lot))
    exposure = max(lots, default=0) / lots_max
    control = Control.ORDER_RATE.name.lower()
    yield Figure(
        "runaway strategy (1,000 orders/s): orders that reached the venue above the limit", float(above), "", 0.0, None, False,
        f"{asked:,} asked for in {ran_s:.0f} s, {len(orders)} reached the venue ({control} {RATE}/s, burst {BURST}, at most "
        f"{allowed}); worst position {exposure:.0%} of its limit",
    )  # fmt: skip


def _plan(venue: VenueThread, cls: Any, folder: Path) -> tuple[Any, LivePlan]:
    def make(inside: Any) -> Any:
        account = inside.exchange.open_account("runaway")
        inside.exchange.deposit(account, "linear", "USDT", "100000")
        return account, inside.exchange.make_key(account), listing_report(inside.exchange.linear["BTCUSDT"]).instrument

    account, key, instrument = venue.call(make)
    inside = venue.venue
    profile = Profile(
        exchange="binance", kind=Kind.LINEAR, where=Where.LOOPBACK, key=key.key, secret=key.secret, rest_url=inside.rest_url,
        ws_url=inside.ws_url, cafile=str(inside.cafile),
    )  # fmt: skip
    plan = LivePlan(
        name="runaway", mode="live", cls=cls, instruments=[instrument], folder=folder, port=lambda: connect(profile),
        limits=Limits(position_max=POSITION_MAX, orders_per_s_max=RATE, orders_burst_max=BURST),
        address=address_of(USDM, inside.plain_url), feed=FeedSettings(spin_s=0.0), seconds=SECONDS,
    )  # fmt: skip
    return account, plan


MEASURES = (runaway,)
