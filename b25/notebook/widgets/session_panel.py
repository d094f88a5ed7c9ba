"""One running session as a card: what it is, how it stands, and buttons that ask its supervisor; never the session itself.

While a cell runs, the kernel answers no button. So this is no kill switch, and it says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self

import traitlets

from b25.model.errors import B25Error, Halt, Misuse, Resync, Retry
from b25.notebook.widgets.fallback import html_card
from b25.notebook.widgets.slot import running_loop
from b25.notebook.widgets.widget import SYNC, Widget, status_of

COMMANDS: Final = ("pause", "resume", "stop", "kill")
# What a snapshot holds; what is not known is None.
FIELDS: Final = (
    "session", "strategy", "version", "account", "state", "equity", "asset", "realised", "unrealised", "fees", "funding", "net",
    "live_orders", "events", "fault", "drift", "positions", "commands",
)  # fmt: skip

Command = Callable[[str, str], Any]


class SessionPanel(Widget, script="session_panel"):
    """A live session.

    Parameters
    ----------
    snapshot : dict
        Any of `FIELDS`; decimals as text, positions as dicts of ``symbol, quantity, entry_price, mark, unrealised``, drift as
        ``{"state": "none" | "found" | "unknown", "text": …}``.
    command : callable, optional
        Called with a name of `COMMANDS` and the reason, in a thread of its own; returns once it is acknowledged, or raises.
        Without one there are no buttons.
    """

    snapshot = traitlets.Dict().tag(**SYNC)
    outcome = traitlets.Dict().tag(**SYNC)
    phrase = traitlets.Unicode("").tag(**SYNC)

    def __init__(self, snapshot: Mapping[str, Any] | None = None, *, command: Command | None = None, **traits: Any) -> None:
        told = picture(snapshot or {})
        self._command, self._loop = command, running_loop()
        self._under_way = threading.Lock()
        super().__init__(
            title=str(told["session"] or "session"), snapshot={**told, "commands": command is not None}, phrase=kill_phrase(told),
            **{"status": status_of(None), **traits},
        )  # fmt: skip

    @classmethod
    def live(cls, source: Any, session: str | None = None) -> Self:
        """Follow a session of a gateway: a client and a name, or a bot; see `following.follow_session`. Ends with `close`."""
        from b25.notebook.widgets.following import follow_session

        return follow_session(cls, source, session)

    def update(self, snapshot: Mapping[str, Any], *, status: Mapping[str, Any] | None = None) -> None:
        """Show how it stands now."""
        told = picture(snapshot)
        more = {"status": dict(status)} if status is not None else {}
        self.show(snapshot={**told, "commands": self._command is not None}, phrase=kill_phrase(told), **more)

    def _on_command(self, message: Mapping[str, Any]) -> None:
        """Have a command carried out; a second one waits for no first one, it is refused."""
        name, number = str(message["name"]), int(message["number"])
        if self._command is None or name not in COMMANDS:
            raise Misuse(f"there is no command {name!r} here", remedy="use the dashboard, or b25 session")
        if name == "kill" and str(message.get("typed", "")).strip() != self.phrase:
            raise Misuse(f"a kill asks for {self.phrase!r}", remedy="type it as it stands")
        if not self._under_way.acquire(blocking=False):
            self.outcome = {"number": number, "name": name, "state": "refused", "text": "another command is under way"}
            return
        self.outcome = {"number": number, "name": name, "state": "sent", "text": ""}
        threading.Thread(target=self._carry_out, args=(self._command, name, number), name="b25-command", daemon=True).start()

    def _carry_out(self, command: Command, name: str, number: int) -> None:
        try:
            answer = command(name, "asked for in a notebook")
            state, text = "done", _said(answer)
        except Resync as fault:
            state, text = "unknown", str(fault)
        except (Misuse, Retry, Halt) as fault:
            state, text = "refused", str(fault)
        except Exception as fault:
            # Whatever it was: it is not known whether the session was told, and a person must look.
            state, text = "unknown", str(fault) if isinstance(fault, B25Error) else f"{type(fault).__name__}: look at the session"
        finally:
            self._under_way.release()
        outcome = {"number": number, "name": name, "state": state, "text": text}
        # Not by the slot of newest values: an acknowledgement is never overtaken by a figure.
        if self._loop is None or self._loop.is_closed():
            self.outcome = outcome
        else:
            self._loop.call_soon_threadsafe(setattr, self, "outcome", outcome)

    def facts(self) -> Sequence[tuple[str, str]]:
        """How it stands."""
        told = self.snapshot
        asset = told.get("asset") or ""
        return [
            ("state", str(told.get("state") or "n/a")),
            ("mode", str(self.status.get("mode", "unknown"))),
            *((name, f"{_text(told.get(name))} {asset}".rstrip()) for name in ("net", "realised", "unrealised", "fees")),
            ("orders", _text(told.get("live_orders"))),
        ]

    def static_html(self) -> str:
        """The figures without buttons."""
        return html_card(self.title, self.facts())


def picture(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return a snapshot with every field of `FIELDS`. Raises Misuse for another."""
    if strange := sorted(set(told) - set(FIELDS)):
        raise Misuse(f"a session's snapshot has no {strange[0]!r}", remedy=f"use {', '.join(FIELDS)}")
    whole = dict.fromkeys(FIELDS) | dict(told)
    whole["positions"] = [dict(one) for one in whole["positions"] or ()]
    return whole


def kill_phrase(told: Mapping[str, Any]) -> str:
    """Return what a person types before an account is killed."""
    return f"KILL {told.get('account') or told.get('session') or 'all'}"


def _said(answer: Any) -> str:
    """Return the id that an acknowledgement carries, if it does."""
    if isinstance(answer, Mapping):
        for name in ("command_id", "kill_id", "id"):
            if answer.get(name):
                return f"acknowledged as {answer[name]}"
    return "acknowledged"


def _text(value: Any) -> str:
    return "n/a" if value is None else str(value)
