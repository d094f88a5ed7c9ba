"""Promoted versions on the command line: the store that keeps their states, who acts, and what a session may start with."""

import getpass
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from b25.model.errors import Misuse

if TYPE_CHECKING:
    from b25.promote.moves import Promotions
    from b25.promote.record import Actor
    from b25.promote.starting import Start
    from b25.runner.live import LiveLoop

NAME = re.compile(r"[a-z][a-z0-9_]*")
NONE = "none"


def promotions_at(store: str = "", run_folder: Path | None = None) -> "Promotions":
    """Return the states of the versions in a store; left out, as the settings say."""
    from b25.config.settings import read_settings
    from b25.promote.moves import Promotions
    from b25.promote.version import LIVE
    from b25.runner.kill_drill import last_drill_ns
    from b25.store.store import open_store

    settings = read_settings()
    url = settings.database_url if store in ("", NONE) else store
    folder = run_folder or settings.run_folder
    return Promotions(
        open_store(url, readers=2), LIVE, settings.secrets_folder, settings.promotion, time.time_ns, lambda: last_drill_ns(folder)
    )


def actor_of(promotions: "Promotions", by: str, *, stops: bool = False) -> "Actor":
    """Return who acts. Nobody proves here who he is: what needs a second person is done at the gateway, signed in.

    Who works alone has every role; else the roles are those of the person of that name. To stop something (`stops`) anybody
    at this machine may, as with the kill switch.

    Raises
    ------
    Misuse
        When people are known, and nobody of that name.
    """
    from b25.promote.gate import EVERYBODY, TRADER
    from b25.promote.record import Actor
    from b25.store.people import is_alone, people_of

    name = by or getpass.getuser()
    facts = {"client": "b25 strategies", "ip": ""}
    if is_alone(promotions.store):
        return Actor(name, EVERYBODY, facts=facts)
    person = next((one for one in people_of(promotions.store) if one.is_active and one.name == name), None)
    roles = frozenset(person.roles) & EVERYBODY if person is not None else frozenset()
    if stops:
        return Actor(name, roles | {TRADER}, facts=facts)
    if person is None:
        raise Misuse(f"nobody is called {name} here", remedy="--as NAME of a person (b25 user list), or do it at the gateway")
    return Actor(name, roles, facts=facts)


@dataclass(frozen=True, slots=True)
class Promoted:
    """A promoted version that is to run."""

    promotions: "Promotions"
    start: "Start"
    mode: str
    as_promoted: bool

    @property
    def more(self) -> dict[str, Any]:
        """What the journal's header tells of it."""
        return {"version": self.start.facts(as_promoted=self.as_promoted)}

    def why_stopped(self) -> str:
        """Why a session of it must not go on."""
        from b25.promote.starting import why_stopped

        return why_stopped(self.promotions, self.start.version, self.mode)

    def watching(self, also: Callable[["LiveLoop"], None], account: str) -> Callable[["LiveLoop"], None]:
        """Return what looks on: first it writes down which session runs the version, and where its journal is."""
        from b25.store.promotion_pointers import add_run

        manifest = self.start.version.manifest

        def watch(loop: "LiveLoop") -> None:
            journal = loop.session.journal.path
            add_run(
                self.promotions.store, manifest["name"], manifest["version"], content_id=self.start.version.content_id,
                session=journal.stem, mode=self.mode, account=account, journal=str(journal.resolve()), now_ns=time.time_ns(),
            )  # fmt: skip
            also(loop)

        return watch


def promoted_of(strategy: str, mode: str, values: dict[str, Any], store: str) -> tuple[Any, dict[str, Any], Promoted] | None:
    """Return class, parameters and version of ``NAME@NUMBER`` or ``NAME``; None for a file.

    Raises
    ------
    Misuse
        When it may not run in the mode, is not as it was signed, or is given other parameters live.
    """
    from b25.promote.starting import MODES, may_start, pointed
    from b25.promote.version import REFERENCE, load
    from b25.runner.heartbeat import EXIT_MISUSE

    if not (REFERENCE.fullmatch(strategy) or NAME.fullmatch(strategy)):
        return None
    if mode not in MODES:
        raise Misuse(f"there is no mode {mode!r}", remedy=f"use one of {', '.join(MODES)}")
    promotions = promotions_at(store)
    try:
        reference = strategy if "@" in strategy else pointed(promotions, strategy, mode)
        version = promotions.find(reference)
        cls = load(version, promotions.secrets_folder)  # first: of what is not as it was signed nothing else is believed
        start = may_start(promotions, version, mode)
    except Misuse as fault:
        if "B25_PROCESS" in os.environ:  # the supervisor leaves it down, as after any misuse
            fault.exit_code = EXIT_MISUSE  # type: ignore[attr-defined]
        raise
    held = dict(version.manifest.get("parameters") or {})
    changed = sorted(name for name, value in values.items() if name not in held or held[name] != value)
    if changed and mode == "live":
        raise Misuse(
            f"{reference} was approved with its own parameters, not with another {changed[0]}",
            remedy="leave --set out; promote it anew with those, or configure them: b25 config set … --type strategy",
        )
    return cls, {**held, **values}, Promoted(promotions, start, mode, as_promoted=not changed)


def running(folder: Path | None, reference: str) -> list[dict[str, str]]:
    """Return the sessions of this machine that run a version now."""
    from b25.config.settings import read_settings
    from b25.runner.version_sessions import sessions_of

    return sessions_of(folder or read_settings().run_folder, reference)
