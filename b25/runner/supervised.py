"""The child's side of supervision in one object, for an asyncio session: seat, heartbeat, permission to send, orderly end.

    own = Supervised.begin(Path("data/run"), "mm", account="demo", client_id_prefix="b25-aabbb-")
    gateway = DeskGateway(..., refusal=own.refusal)
    watching = asyncio.create_task(own.watch(lambda: (loop.messages, 0), loop.stop))
    ...
    own.end()

Without a supervisor it does the same but notice its death: a session in the foreground has a seat and a kill switch too.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba.core import event as numba_event

from b25.runner.heartbeat import Heartbeat, Life, exit_code_of, supervisor_is_gone
from b25.runner.kill import ALL, refusal
from b25.runner.seat import Seat

BEAT_S = 0.25


class _CompilingSaid(numba_event.Listener):  # type: ignore[misc]
    """Says in the heartbeat that code is being compiled: nothing can beat meanwhile, and it is no hang."""

    def __init__(self, own: Supervised) -> None:
        self.own, self.depth = own, 0

    def on_start(self, event: Any) -> None:
        self.depth += 1
        if self.depth == 1 and self.own.life in (Life.RUNNING, Life.PAUSED):
            self.own.beat(Life.COMPILING)

    def on_end(self, event: Any) -> None:
        self.depth -= 1
        if self.depth == 0 and self.own.life in (Life.RUNNING, Life.PAUSED):
            self.own.beat(self.own.life)


class Supervised:
    """The own process, as those see it who watch it. Make it by `begin`."""

    def __init__(self, seat: Seat, heartbeat: Heartbeat, account: str) -> None:
        self.seat, self.heartbeat, self.account = seat, heartbeat, account
        self.life = Life.STARTING
        self._done = 0
        self._compiling = _CompilingSaid(self)
        numba_event.register("numba:compile", self._compiling)

    def beat(self, life: Life) -> None:
        """Beat once, with the progress that was known last."""
        self.heartbeat.beat(life, self._done)

    @classmethod
    def begin(
        cls, folder: Path | None = None, session: str = "", *, account: str = "", client_id_prefix: str = "", epoch_min: int = 1
    ) -> Supervised:
        """Sit down and beat for the first time. What the supervisor says in the environment goes before what is given here.

        Raises
        ------
        Misuse
            When the session runs already.
        """
        at = Path(os.environ.get("B25_RUN_FOLDER") or folder or "data/run")
        name = os.environ.get("B25_PROCESS") or session
        account = os.environ.get("B25_ACCOUNT") or account
        seat = Seat.take(at, name, account=account, client_id_prefix=client_id_prefix, epoch_min=epoch_min)
        return cls(seat, Heartbeat(at, name, epoch=seat.epoch), account)

    @property
    def starts_paused(self) -> bool:
        """Whether the one before hung or was killed, so that a person should look before this one trades."""
        return os.environ.get("B25_START_PAUSED") == "1"

    def refusal(self) -> str:
        """Why nothing may be sent that adds risk; empty when it may."""
        return refusal(self.seat.folder, self.account or ALL, self.seat.session, self.seat.epoch)

    def may_send(self) -> bool:
        """Whether an order may be sent now: neither latched nor fenced."""
        return not self.refusal()

    def in_strategy(self, inside: bool) -> None:
        """Beat at once: a strategy that never comes back from its first call hangs, and nothing is starting any more."""
        if self.life in (Life.STARTING, Life.RUNNING):
            self.life = Life.RUNNING if inside else Life.STARTING
            self.heartbeat.beat(self.life, self._done)

    async def watch(
        self, progress: Callable[[], tuple[int, int]], stop: Callable[[str], None], *, ready: Callable[[], bool] = lambda: True
    ) -> None:
        """Beat from this loop until `end`; stop the session when the supervisor is gone.

        Parameters
        ----------
        progress : callable
            Gives how many things were done so far, and how many wait.
        stop : callable
            Told why; must begin an orderly end and return at once.
        ready : callable
            Whether it runs by now: until then it is STARTING, and may be silent for long.
        """
        told = False
        while self.life not in (Life.STOPPED, Life.FAILED):
            if self.life is Life.STARTING and ready():
                self.life = Life.RUNNING
            self._done, waiting = progress()
            self.heartbeat.beat(self.life, self._done, waiting)
            if not told and supervisor_is_gone():
                told, self.life = True, Life.STOPPING
                stop("the supervisor is gone")
            await asyncio.sleep(BEAT_S)

    def end(self, fault: BaseException | None = None, *, is_clean: bool = True) -> int:
        """Say the last word and stand up; gives the exit code.

        Parameters
        ----------
        fault : BaseException, optional
            What ended the session.
        is_clean : bool
            Whether it is certain that no order of it is left. If not, the kill process cancels for it.
        """
        self.life = Life.STOPPED if is_clean else Life.FAILED
        self.heartbeat.beat(self.life, self._done)
        self.seat.leave()
        with suppress(ValueError):
            numba_event.unregister("numba:compile", self._compiling)
        return exit_code_of(fault)
