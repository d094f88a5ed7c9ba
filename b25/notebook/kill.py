"""Stops from a notebook by the way that needs neither gateway nor database: the latch is a file, and another process cancels."""

from __future__ import annotations

import getpass
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from b25.analytics.card import BAD, WARN, Card
from b25.model.errors import Misuse

WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """What is stopped.

    Attributes
    ----------
    what : str
        Account, or session.
    kill_id : str
    is_verified : bool or None
        Whether the venue was read and nothing is left; None where that is the session's own work.
    told : str
        What the other process said last.
    """

    what: str
    kill_id: str
    is_verified: bool | None
    told: str

    def card(self) -> Card:
        """What is shown of it."""
        state = "verified: no order is left" if self.is_verified else "not verified" if self.is_verified is False else "latched"
        next_step = "nothing is sent until a person re-arms it: b25 kill re-arm --by NAME --reason WHY"
        lines = tuple(line for line in self.told.splitlines() if line.strip())[-4:]
        return Card(
            title=f"Stopped: {self.what}", badges=(("stopped", BAD), (state, BAD if self.is_verified is False else WARN)),
            facts=(("kill", self.kill_id),), notes=(*lines, next_step),
        )  # fmt: skip

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        card = self.card()
        return {"text/plain": card.text(), "text/html": card.html()}

    def __repr__(self) -> str:
        return self.card().text()


def kill(
    session: str = "", *, account: str = "all", flatten: bool = False, reason: str = "from a notebook",
    folder: Path | None = None, plan: Path | None = None, wait_s: float = WAIT_S,
) -> Killed:  # fmt: skip
    """Stop a session, or an account, now.

    The latch is written here, before anything else; then `b25 kill`, a process of its own, cancels and verifies.

    Parameters
    ----------
    session : str
        Left out: the account.
    account : str
        ``"all"`` for every account of this machine.
    flatten : bool
        Close positions as well; of an account only.
    folder, plan : Path, optional
        The run folder and the plan, as `b25 kill` takes them; left out: as the settings say.
    wait_s : float
        How long to wait for it to be verified.

    Raises
    ------
    Misuse
        For a session of which no account is known, or a name that is none.
    """
    from b25.config.settings import read_settings
    from b25.runner.kill_latch import Trigger, pull
    from b25.runner.kill_scopes import Level, pull_scoped
    from b25.runner.seat import SESSION_NAME, occupant

    run_folder = folder or read_settings().run_folder
    by = getpass.getuser()
    if session:
        if flatten:
            raise Misuse("flatten is of a whole account", remedy="kill the account: kill(account=…, flatten=True)")
        if not SESSION_NAME.fullmatch(session):
            raise Misuse(f"{session!r} names no session", remedy="see %b25 sessions")
        owner = account if account != "all" else str(occupant(run_folder, session).get("account") or "")
        if not owner:
            raise Misuse(
                f"no session {session} is known in {run_folder}", remedy="see %b25 sessions; %b25 kill without a name stops all"
            )
        stop = pull_scoped(run_folder, owner, Level.SESSION, session, by=by, reason=reason, trigger=Trigger.COMMAND)
        return Killed(what=f"session {session}", kill_id=stop.kill_id, is_verified=None, told=str(stop))
    latch = pull(run_folder, account, by=by, reason=reason, trigger=Trigger.COMMAND, flatten=flatten)
    words = ["kill", "--account", account, "--reason", reason, "--folder", str(run_folder), "--wait-s", f"{wait_s:g}", "--json"]
    words += ["--plan", str(plan)] if plan is not None else []
    words += ["--flatten"] if flatten else []
    done, told = _in_another_process(words, wait_s)
    return Killed(what=f"account {account}", kill_id=latch.kill_id, is_verified=done, told=told)


def _in_another_process(words: list[str], wait_s: float) -> tuple[bool, str]:
    """Whether it was verified, and what was said."""
    command = [sys.executable, "-m", "b25", *words]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=wait_s + 30.0)  # noqa: S603 - our own words
    except (OSError, subprocess.TimeoutExpired) as fault:
        return False, f"latched; b25 kill itself did not answer ({type(fault).__name__}): look at b25 kill status"
    told: dict[str, Any] = {}
    for text in (ran.stdout, ran.stderr):
        try:
            told = told or json.loads(text.strip().splitlines()[-1])
        except (ValueError, IndexError):
            continue
    error = told.get("error") or {}
    if ran.returncode == 0:
        return bool((told.get("report") or {}).get("is_complete")), "every order was cancelled, and the venue read again"
    return False, f"{error.get('what') or 'it is not known how far it came'}; {error.get('remedy') or 'b25 kill status'}"
