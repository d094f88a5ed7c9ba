"""Keeps the configuration going in one process: what is planned happens at its time, and every change is told to the bus.

Sessions see what is new in the store by themselves; the bus, and a word at the sockets of this machine, make it quicker.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from b25.bus import bodies
from b25.bus.publisher import Publisher
from b25.config.configurations import Configurations
from b25.config.schedules import Schedules
from b25.config.secret import shown
from b25.model.errors import B25Error
from b25.runner.control import ask_session
from b25.runner.seat import is_taken
from b25.store.config_desk import ACTS_NOW
from b25.store.configurations import Change, changes_after, cursor, last_change, move_cursor, reading, version_of

LOOK_S: Final = 0.2
READER: Final = "bus"
NUDGE_S: Final = 0.5


class ConfigKeeper:
    """A thread; one process has it, and a second one does no harm.

    Parameters
    ----------
    configurations : Configurations
    say : callable
        Told what a person should read; called in the thread.
    publisher : Publisher, optional
        Of component `gateway` or `operator`; takes what the bus is told.
    run_folder : Path, optional
        Of the sessions of this machine.
    """

    def __init__(
        self, configurations: Configurations, say: Callable[[str], None], *, publisher: Publisher | None = None,
        run_folder: Path | None = None, look_s: float = LOOK_S,
    ) -> None:  # fmt: skip
        self.configurations, self.say, self.publisher, self.run_folder = configurations, say, publisher, run_folder
        self.schedules, self.look_s = Schedules(configurations), look_s
        self._seq = last_change(reading(configurations.store))
        self._over, self._woken = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="b25-config-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._over.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(5.0)

    def wake(self) -> None:
        """Something was changed: tell it at once."""
        self._woken.set()

    def step(self) -> None:
        """Do once what is to be done."""
        for text in self.schedules.keep():
            self.say(text)
        self.tell()
        self.nudge()

    def tell(self) -> int:
        """Tell the bus what it was not told yet; gives how many changes that were. A change may be told twice, under one id."""
        if self.publisher is None:
            return 0
        store = self.configurations.store
        seq = cursor(store, READER)
        if seq is None:  # the first time: what is told begins here
            move_cursor(store, READER, last_change(reading(store)))
            return 0
        told = changes_after(store, seq)
        for one in told:
            if not self._offer(one):
                return 0  # no room: they are read again
        if told:
            move_cursor(store, READER, told[-1].seq)
        return len(told)

    def _offer(self, one: Change) -> bool:
        assert self.publisher is not None
        number = one.version or one.before_version
        version = version_of(reading(self.configurations.store), one.config_id, number) if number else None
        body = bodies.ConfigUpdate(
            id=one.config_id, key=one.key, type=one.type, action=one.action, version=one.version, by=one.actor, seq=one.seq,
            value={name: shown(name, part) for name, part in version.value.items()} if version is not None else None,
        )  # fmt: skip
        channel = self.publisher.channel("config.updates.{type}", type=one.type)
        return channel.offer(body, one.time_ns, message_id=f"config/{one.config_id}/{one.seq}")

    def nudge(self) -> None:
        """Have the sessions of this machine look at once."""
        seq = last_change(reading(self.configurations.store))
        if seq == self._seq or self.run_folder is None:
            return
        is_about_them = any(one.action in ACTS_NOW for one in changes_after(self.configurations.store, self._seq))
        self._seq = seq
        if is_about_them:
            nudge(self.run_folder)

    def _run(self) -> None:
        failing = ""
        while not self._over.is_set():
            try:
                self.step()
                failing = ""
            except Exception as fault:
                what = fault.what if isinstance(fault, B25Error) else f"{type(fault).__name__}: {fault}"
                if what != failing:
                    failing = what
                    self.say(f"configuration: {what}")
            self._woken.wait(self.look_s)
            self._woken.clear()


def nudge(run_folder: Path) -> list[str]:
    """Have every session that runs on this machine look at what is configured; gives those that heard it."""
    heard = []
    for path in sorted(run_folder.glob("sessions/*/control.sock")):
        name = path.parent.name
        with contextlib.suppress(B25Error, OSError):
            if is_taken(run_folder, name):
                ask_session(run_folder, name, "configure", wait_s=NUDGE_S)
                heard.append(name)
    return heard


def tried(run_folder: Path, kind: str, key: str, version: int, value: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask every session that runs on this machine what it would say to a value; those that do not go by its key are left out."""
    answers = []
    for path in sorted(run_folder.glob("sessions/*/control.sock")):
        name = path.parent.name
        request: dict[str, Any] = {"type": kind, "key": key, "version": version, "value": value, "dry_run": True}
        try:
            if is_taken(run_folder, name):
                told = ask_session(run_folder, name, "configure", **request)
                answers.append({"session": name, "outcome": told["outcome"], "detail": told["detail"]})
        except B25Error as fault:
            if "go by" not in fault.what:
                answers.append({"session": name, "outcome": "unknown", "detail": fault.what})
    return answers
