"""A session on paper that goes by a store, and a thread that writes new limits into it and waits for each to be answered."""

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from contestants import ROOT, BenchFailed
from measure_config import BENCH, KEY, limits

from b25.config.configurations import Configurations
from b25.market.feed.binance_streams import address_of
from b25.market.feed.settings import FeedSettings
from b25.model.message import USDM
from b25.research.strategy_file import load_strategy
from b25.runner.live_session import LivePlan
from b25.runner.run_supervised import Supervision, run_supervised
from b25.store.config_desk import APPLIED, acks
from b25.store.store import open_store
from b25.venue.crowd.opening import open_crowds
from b25.venue.exchange.listings import default_listings
from b25.venue.in_process.reports import listing_report
from b25.venue.wire.server import VenueSettings
from b25.venue.wire.thread import VenueThread

LONGEST_S = 300.0


def reloads(rounds: int) -> tuple[list[float], int]:
    """Milliseconds from each commit to its answer, and the version that the session's gate judges by at the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = VenueSettings(folder=folder / "venue", tls_port=0, port=0, warm_up_s=30.0)
        listings = default_listings(["BTCUSDT"], ["BTCUSDT"])
        with VenueThread(settings, listings=listings, market=lambda exchange: open_crowds(exchange, seed=25)) as venue:
            return _run(venue, folder, rounds)


def _run(venue: VenueThread, folder: Path, rounds: int) -> tuple[list[float], int]:
    instrument = venue.call(lambda inside: listing_report(inside.exchange.linear["BTCUSDT"]).instrument)
    url, taken, seen = f"sqlite:///{folder / 'config.db'}", [], {}
    open_store(url).close()
    plan = LivePlan(
        name="bench", mode="paper", cls=load_strategy(f"{ROOT}/strategies/market_maker.py:MarketMaker"), instruments=[instrument],
        folder=folder, address=address_of(USDM, venue.venue.plain_url), feed=FeedSettings(spin_s=0.0), seconds=LONGEST_S,
    )  # fmt: skip

    def watch(loop: Any) -> None:
        threading.Thread(target=_write, args=(loop, url, rounds, taken, seen), daemon=True).start()

    run_supervised(plan, lambda text: None, Supervision(folder=folder / "run", configuration=url), watch)
    if "fault" in seen:
        raise BenchFailed(f"reloading failed: {seen['fault']}")
    return taken, seen["version"]


def _write(loop: Any, url: str, rounds: int, taken: list[float], seen: dict[str, Any]) -> None:
    try:
        while loop.messages < 20:
            time.sleep(0.01)
        store = open_store(url, readers=2)
        configurations = Configurations(store)
        configurations.create(KEY, "risk_limit", limits(1), BENCH)
        for k in range(1, rounds + 1):
            if k > 1:
                configurations.update(KEY, k - 1, limits(k), BENCH)
            configurations.activate(KEY, BENCH)
            begun = time.perf_counter()
            while not any(one.version == k and one.outcome == APPLIED for one in acks(store, key=KEY)):
                if time.perf_counter() > begun + 20.0:
                    raise BenchFailed(f"no answer to version {k}")
                time.sleep(0.002)
            taken.append((time.perf_counter() - begun) * 1e3)
            time.sleep(0.01)
        seen["version"] = int(loop.session.machine.world.limits["version"][0])
        store.close()
    except BaseException as fault:
        seen["fault"] = fault
    finally:
        loop.stop("measured")
