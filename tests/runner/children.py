"""Processes to supervise: each does what a session does, and one thing wrong. `python -m tests.runner.children KIND …`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from b25.runner.heartbeat import EXIT_HALT, EXIT_MISUSE, EXIT_RETRY, Heartbeat, Life, supervisor_is_gone
from b25.runner.kill import refusal
from b25.runner.seat import Seat

PREFIX = "b25-aabbb-"


class Session:
    """A session without a strategy: it sits, beats, and ends in order."""

    def __init__(self, account: str = "") -> None:
        self.folder, self.name = Path(os.environ["B25_RUN_FOLDER"]), os.environ["B25_PROCESS"]
        self.seat = Seat.take(self.folder, self.name, account=account, client_id_prefix=PREFIX if account else "")
        self.heart = Heartbeat(self.folder, self.name, epoch=self.seat.epoch)
        self.done, self.ending = 0, False
        signal.signal(signal.SIGTERM, self.end)
        print(f"epoch {self.seat.epoch} paused={os.environ['B25_START_PAUSED']}", flush=True)

    def end(self, number, frame) -> None:
        self.ending = True

    def work(self, until=lambda: False, waiting=0, progress=1) -> None:
        while not self.ending and not supervisor_is_gone() and not until():
            self.done += progress
            self.heart.beat(Life.RUNNING, self.done, waiting)
            time.sleep(0.02)

    def stop(self) -> None:
        self.heart.beat(Life.STOPPED, self.done)
        print(f"stopped gone={supervisor_is_gone()}", flush=True)


def later(seconds):
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until


def hang_compiled() -> None:
    """A strategy that never comes back: machine code, deaf to every signal that Python would handle."""
    from numba import njit

    @njit
    def spin(n):
        i = 0
        while n > 0:
            i += n % 3
        return i

    own = Session(os.environ.get("TEST_ACCOUNT", ""))
    spin(0)  # compiled while STARTING
    own.work(later(0.3))
    spin(1)


def trade(count: int) -> None:
    """Rest orders at the venue, then do what the environment says: hang, or work until told to stop."""
    from b25.runner.kill_account import read_accounts
    from b25.runner.kill_main import reach_of
    from tests.runner.stand import place

    own = Session("demo")

    async def rest():
        reach = reach_of(read_accounts(Path(os.environ["TEST_PLAN"]))["demo"])
        assert refusal(own.folder, "demo", own.name, own.seat.epoch) == ""
        await place(reach.port, reach.port.profile.kind, count, prefix=f"{PREFIX}{own.seat.epoch}-")
        await reach.port.close()

    asyncio.run(rest())
    own.work(later(0.3))
    if own.seat.epoch == 1 and os.environ.get("TEST_HANG"):
        while True:  # plain Python this time; it blocks the loop that would beat
            pass
    own.work()
    own.stop()


def main(kind: str, *rest: str) -> int:
    if kind == "hang":
        hang_compiled()
    elif kind == "trade":
        trade(int(rest[0]))
    elif kind == "stuck":  # its loop turns and beats, and what waits is never done
        own = Session()
        own.work(later(0.2))
        own.work(waiting=3, progress=0)
    elif kind == "deaf":
        own = Session()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        own.work(lambda: False)
    elif kind == "exit":
        Session().work(later(0.1))
        return int(rest[0])
    elif kind == "silent":  # no heartbeat at all
        time.sleep(600)
    elif kind == "eat":
        own = Session()
        held = []
        own.work(lambda: held.append(bytearray(5_000_000)) is not None)
        own.stop()
    elif kind == "good":
        own = Session()
        own.work()
        own.stop()
    return 0


CODES = {"misuse": EXIT_MISUSE, "halt": EXIT_HALT, "retry": EXIT_RETRY}

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
