"""Lives of one session, each a process of its own that may be killed at any instant: forked from one that has compiled all.

Arguments: a JSON plan. For each line `live` on its input a session is born and its pid printed; `status PID CODE` tells its end.
"""

import asyncio
import gc
import json
import os
import sys
import threading
import traceback
from pathlib import Path

from b25.market.feed.binance_streams import address_of
from b25.market.feed.compiled import compile_feed
from b25.market.feed.live_io import run_loop
from b25.market.feed.settings import FeedSettings
from b25.model.message import USDM
from b25.research.strategy_file import load_strategy
from b25.risk.limits import Limits
from b25.runner.live_session import LivePlan, live
from b25.runner.run_supervised import Supervision, run_supervised
from b25.session.orders.money import opening_of
from b25.session.orders.submitting import Pace
from b25.venue.ccxt.connect import connect
from b25.venue.ccxt.profile import Profile, Where
from b25.venue.port.reports import Kind


def profile_of(told):
    return Profile(
        exchange="binance", kind=Kind.LINEAR, where=Where.LOOPBACK, key=told["key"], secret=told["secret"],
        rest_url=told["rest_url"], ws_url=told["ws_url"], cafile=told["cafile"],
    )  # fmt: skip


async def listed(profile, symbol):
    port = connect(profile)
    try:
        return (await port.listings()).must()[symbol].instrument
    finally:
        await port.close()


def plan_of(told):
    profile, folder = profile_of(told), Path(told["folder"])
    return LivePlan(
        name=told["name"],
        mode="live",
        cls=load_strategy(told["strategy"]),
        params=told["params"],
        instruments=[asyncio.run(listed(profile, told["symbol"]))],
        folder=folder / "sessions",
        limits=Limits(position_max=0.05, orders_per_s_max=20),
        port=lambda: connect(profile),
        address=address_of(USDM, told["plain_url"]),
        feed=FeedSettings(spin_s=0.0),
        store=told.get("store", ""),
        pace=Pace(open_orders_s=2.0, positions_s=10.0, resubscribe_s=0.2),  # the account's whole comparison costs a budget of 75
    )


def live_once(plan, folder, run_folder=""):
    """One life; its words go into a file, line by line."""
    with (folder / "said.log").open("a", buffering=1) as log:

        def say(text):
            log.write(f"{os.getpid()} {text}\n")

        try:
            if run_folder:
                facts = run_supervised(plan, say, Supervision(folder=Path(run_folder), account="main", proves_gate=False))
            else:
                facts = run_loop(live(plan, say))
            (folder / "facts.json").write_text(json.dumps(facts, default=str))
        except BaseException:
            log.write(f"{os.getpid()} FAILED {traceback.format_exc()}\n")
            return 1
    return 0


def reap(pid):
    _, status = os.waitpid(pid, 0)
    print(f"status {pid} {os.waitstatus_to_exitcode(status)}", flush=True)


def main(told):
    plan, folder = plan_of(told), Path(told["folder"])
    plan.composition().machine()
    compile_feed(plan.instruments[0])
    opening_of([], plan.instruments)
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() != "live":
            break
        pid = os.fork()
        if pid == 0:
            os.close(0)
            os._exit(live_once(plan, folder, told.get("run", "")))
        print(f"born {pid}", flush=True)
        threading.Thread(target=reap, args=(pid,), daemon=True).start()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
