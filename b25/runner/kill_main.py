"""Start the kill process: `python -m b25.runner.kill_main --folder data/run --plan up.toml`; and kill once, without it."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from b25.model.errors import B25Error
from b25.observe.redaction import redact_tracebacks
from b25.runner.alarms import Alarms, Notifier
from b25.runner.heartbeat import Heartbeat, Life, exit_code_of, read_beat
from b25.runner.kill_account import KillAccount, open_port, read_accounts
from b25.runner.kill_latch import KillRecord, latched
from b25.runner.kill_process import COUNTDOWN_MS, RENEW_S, KillProcess, Reach, Watcher
from b25.runner.kill_record import StoreRecord
from b25.runner.kill_watchers import DROP_COPY_S, AlarmTeller, DropCopy, Scopes
from b25.runner.metrics_kill import KillMetrics
from b25.runner.seat import Seat, is_taken
from b25.runner.structured_log import StructuredLog, follow_level

NAME = "kill"  # of its seat


def reach_of(account: KillAccount) -> Reach:
    """Open the connection to an account."""
    port, limiter = open_port(account)
    unban: Callable[[], None] = limiter.resume if limiter is not None else lambda: None
    return Reach(account.name, port, account.symbols, unban, kills_when_lost=account.kills_when_lost)


def is_watching(folder: Path) -> bool:
    """Whether a kill process watches this folder now: it sits there, and its loop turns."""
    beat = read_beat(folder, NAME)
    turns = beat is not None and beat.life is Life.RUNNING and time.monotonic_ns() - beat.beaten_ns < 2 * 10**9
    return turns and is_taken(folder, NAME)


async def kill_once(
    folder: Path, accounts: Mapping[str, KillAccount], log: StructuredLog, *, patience_s: float, record: KillRecord | None = None
) -> None:
    """Do what the latches in a folder call for, by connections of one's own, until it is done or patience ends."""
    reaches = {name: reach_of(account) for name, account in accounts.items() if latched(folder, name)}
    process = KillProcess(folder, reaches, log, record=record)
    process.only_latches = True
    asyncio.get_running_loop().call_later(patience_s, process.stop)
    await process.run()


def main(arguments: Sequence[str] | None = None) -> int:
    """Watch a run folder until SIGTERM."""
    parser = argparse.ArgumentParser(prog="b25.runner.kill_main", description="The kill switch, as a process.")
    parser.add_argument("--folder", type=Path, default=os.environ.get("B25_RUN_FOLDER", "data/run"))
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--lost-s", type=float, default=5.0)
    parser.add_argument("--grace-s", type=float, default=10.0)
    parser.add_argument("--countdown-ms", type=int, default=COUNTDOWN_MS)
    parser.add_argument("--renew-s", type=float, default=RENEW_S)
    parser.add_argument("--drop-copy-s", type=float, default=DROP_COPY_S)
    parser.add_argument("--store", default="", help="Where kills are recorded; the plan's [store] url when left out.")
    given = parser.parse_args(arguments)
    redact_tracebacks()
    follow_level(Path(given.folder))
    log = StructuredLog(run=os.environ.get("B25_RUN_ID", ""), process=NAME)
    try:
        accounts, more = read_accounts(given.plan), tomllib.loads(given.plan.read_text(encoding="utf-8"))
        seat = Seat.take(Path(given.folder), NAME)
        heartbeat = Heartbeat(seat.folder, NAME, epoch=seat.epoch)
        store_url = given.store or str(more.get("store", {}).get("url", ""))
        record = StoreRecord(store_url, seat.folder) if store_url else None
        told_by = list(more.get("alarms", {}).get("command", []))
        alarms = Alarms(seat.folder, NAME, lambda text: log.alarm(text))
        notifier = Notifier(seat.folder, log, told_by)
        watchers: list[Watcher] = [
            Scopes(),
            DropCopy(alarms, every_s=given.drop_copy_s),
            AlarmTeller(notifier),
            KillMetrics(seat.folder, NAME, notifier),
        ]
        process = partial(
            KillProcess, seat.folder, log=log, record=record, watchers=watchers, lost_s=given.lost_s, grace_s=given.grace_s,
            countdown_ms=given.countdown_ms, renew_s=given.renew_s,
        )  # fmt: skip
        asyncio.run(_watch(process, accounts, heartbeat))
        if record is not None:
            record.close()
    except B25Error as fault:
        log.alarm("refused", what=fault.what, remedy=fault.remedy)
        return exit_code_of(fault)
    return 0


async def _watch(
    make: Callable[[dict[str, Reach]], KillProcess], accounts: Mapping[str, KillAccount], heartbeat: Heartbeat
) -> None:
    await make({name: reach_of(account) for name, account in accounts.items()}).run(heartbeat)


if __name__ == "__main__":
    sys.exit(main())
