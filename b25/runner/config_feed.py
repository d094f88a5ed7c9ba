"""Brings what is configured to a running session: looks at the store a few times a second, and at once when it is woken.

It runs in a thread of its own. Reading, and trying the gate under new limits, cost the session nothing; the session's thread only
takes over what was judged, between two events. What it answered is written down for everybody to see.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from b25.config.configurations import Configurations
from b25.config.settings import read_settings
from b25.model.errors import B25Error, Retry
from b25.runner.session_config import Answer, Link, Offer, SessionConfig
from b25.store.config_desk import REJECTED, add_ack
from b25.store.configurations import last_change, reading
from b25.store.store import open_store

if TYPE_CHECKING:
    from b25.runner.alarms import Alarms
    from b25.runner.live import LiveLoop
    from b25.runner.live_session import LivePlan

POLL_S: Final = 0.1
NONE: Final = "none"
TAKE_S: Final = 30.0  # how long the session may take to come to it
Given = TypeVar("Given")


class ConfigFeed:
    """What is configured, for one session.

    Parameters
    ----------
    url : str
        Of the store.
    session : SessionConfig

    Raises
    ------
    StoreFailed
        When it cannot be reached: a session does not start without knowing what holds for it.
    """

    def __init__(self, url: str, session: SessionConfig, *, poll_s: float = POLL_S) -> None:
        self.session, self.poll_s = session, poll_s
        self.store = open_store(url, readers=2)
        self.configurations = Configurations(self.store)
        self.seq = 0
        self.unsaid: deque[Answer] = deque()  # answers that are not written down yet
        self._woken, self._over = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._running: asyncio.AbstractEventLoop | None = None
        self._alarm: Callable[[str], None] = lambda text: None
        session.wake = self.wake

    def offers(self) -> list[Offer]:
        """Read what is configured now."""
        self.seq = last_change(reading(self.store))  # before: what comes in between is looked at again
        found = []
        for kind, key in self.session.goes_by():
            links = [
                Link(one.head.key, one.version.number, one.version.checksum, one.value)
                for one in self.configurations.links(kind, str(key))
            ]
            found.append(Offer(kind, key.name, tuple(links)))
        return found

    def begin(self, loop: LiveLoop, offers: list[Offer], alarms: Alarms) -> None:
        """Have the session take over what it was planned with, and look on; in its own thread."""
        self._running = asyncio.get_running_loop()
        name = self.session.plan.name
        self._alarm = lambda text: alarms.alarm("configuration", text, session=name)
        self.unsaid.extend(self.session.attach(loop, offers))
        loop.at_end.append(self._over.set)
        self._thread = threading.Thread(target=self._run, name="b25-config", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look at once; from any thread."""
        self._woken.set()

    def close(self) -> None:
        """End, and write down what is unsaid."""
        self._over.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(5.0)
        self.store.close()

    # In the thread.

    def _run(self) -> None:
        failing = ""
        while not self._over.is_set():
            try:
                self._say()
                self.look()
                failing = ""
            except Exception as fault:
                # The session goes on with what it has; who watches it is told once.
                what = fault.what if isinstance(fault, B25Error) else f"{type(fault).__name__}: {fault}"
                if what != failing:
                    failing = what
                    self._alarm(f"what is configured cannot be followed: {what}")
            self._woken.wait(self.poll_s)
            self._woken.clear()
        try:
            self._say()
        except B25Error as fault:
            self._alarm(f"an answer was not written down: {fault.what}")

    def look(self) -> None:
        """Look once; take over what is new."""
        if last_change(reading(self.store)) == self.seq:
            return
        before = self.seq
        news = self.session.news(self.offers())
        if not news:
            return
        try:
            prices = self._ask(self.session.prices) if any(one.kind in ("risk_limit", "trading_pair") for one in news) else []
        except Retry:
            self.seq = before  # no market yet: look again
            return
        rows, why = self.session.judge(news, prices)
        answers = self._ask(lambda: self.session.apply(news, rows, why))
        self.unsaid.extend(answers)
        self._say()
        for one in answers:
            if one.outcome == REJECTED:
                self._alarm(f"{one.key} version {one.version} is refused, the one before goes on: {one.detail}")

    def _ask(self, act: Callable[[], Given]) -> Given:
        """Have the session's thread do something."""
        running = self._running
        assert running is not None

        async def do() -> Given:
            return act()

        made: Coroutine[Any, Any, Given] = do()
        return asyncio.run_coroutine_threadsafe(made, running).result(TAKE_S)

    def _say(self) -> None:
        while self.unsaid:
            one = self.unsaid[0]
            name = self.session.plan.name
            add_ack(
                self.store, name, one.key, one.kind, one.version, one.checksum, one.outcome, one.detail, time.time_ns()
            )  # fmt: skip
            self.unsaid.popleft()


class Configured:
    """A plan with what is configured for it, and what follows that from then on.

    Raises
    ------
    Misuse
        When what is configured cannot be taken over.
    StoreFailed
        When the store cannot be reached.
    """

    def __init__(self, url: str, plan: LivePlan, account: str) -> None:
        self.feed = ConfigFeed(url, SessionConfig(plan, account))
        try:
            self.offers = self.feed.offers()
            self.plan = self.feed.session.planned(self.offers)
        except BaseException:
            self.feed.close()
            raise


def store_of(told: str) -> str:
    """Return the store that a session is configured in: as told, else as the settings say; empty for none.

    A file that is not there is none: nothing was ever configured in it. Any other store that was named must answer.
    """
    if told:
        return "" if told == NONE else told
    url = read_settings().database_url
    _, is_file, path = url.partition("sqlite:///")
    return "" if is_file and not Path(path).is_file() else url
