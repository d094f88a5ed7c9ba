"""Bots as a notebook or a program sees them: sessions that are supervised elsewhere, to look at and to steer through the gateway.

Nothing here trades, and no bot hangs on it: when this process ends, each goes on as it was told last.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from b25.analytics.card import PLAIN, Card, Table
from b25.client.bot_status import TONES, Answer, BotStatus, LogLines, Rows
from b25.model.errors import B25Error, Misuse

if TYPE_CHECKING:
    from b25.client.client import AsyncClient, Client
    from b25.client.live import LiveThread

ORDER_COLUMNS: Final = ("id", "symbol", "side", "quantity", "price", "filled", "status")
FILL_COLUMNS: Final = ("time_ns", "symbol", "side", "quantity", "price", "fee", "fee_asset", "is_maker")
POSITION_COLUMNS: Final = ("session", "symbol", "quantity", "bid", "ask", "profit", "mode")
WATCHED: Final = ("sessions", "positions", "orders", "fills")
Shape = Callable[[Any], Any]


class _Steered(ABC):
    """What can be asked of a bot; how an answer comes back is decided below."""

    name: str

    @abstractmethod
    def _ask(self, operation: str, shape: Shape, *, key: str = "", **given: Any) -> Any:
        """Ask for an operation, and shape what is told."""

    def _command(self, operation: str, key: str, **given: Any) -> Any:
        return self._ask(operation, lambda told: Answer(operation, told), key=key, name=self.name, **given)

    def pause(self, reason: str = "", *, key: str = "") -> Any:
        """Cancel what works and add nothing; exits still pass. With the same `key` it is done once."""
        return self._command("pause", key, reason=reason)

    def resume(self, reason: str = "", *, key: str = "") -> Any:
        """Trade again; refused while the kill switch or a hold stops it."""
        return self._command("resume", key, reason=reason)

    def flatten(self, reason: str = "", *, key: str = "") -> Any:
        """Cancel what works, close every position at market, and wait for a resume."""
        return self._command("flatten", key, reason=reason)

    def start(self, reason: str = "", *, key: str = "") -> Any:
        """Have the supervisor start it."""
        return self._command("start", key, reason=reason)

    def stop(self, reason: str = "", *, flatten: bool = False, key: str = "") -> Any:
        """End it in order: orders cancelled, positions closed if asked for."""
        return self._command("stop", key, reason=reason, flatten=flatten)

    def kill(self, *, confirm: str = "", reason: str = "from a notebook", key: str = "") -> Any:
        """Latch it: its orders are cancelled, and nothing new is sent until a person of the role risk lets it.

        Parameters
        ----------
        confirm : str
            The bot's name, typed.

        Raises
        ------
        Misuse
            Without the name; also when the role may not. `%b25 kill` needs neither gateway nor role, on the bot's own machine.
        """
        if confirm != self.name:
            raise Misuse(f"kill {self.name} is not confirmed", remedy=f'type its name: bot.kill(confirm="{self.name}")')
        return self._kill(reason, key)

    @abstractmethod
    def _kill(self, reason: str, key: str) -> Any:
        """Latch it, by its account."""

    def logs(self, n: int = 50, *, alarms: bool = False) -> Any:
        """Return its last log lines."""
        return self._ask("session_log", lambda told: LogLines(self.name, told["data"]), name=self.name, last=n, alarms=alarms)

    def annotate(self, text: str, *, tags: tuple[str, ...] = (), key: str = "") -> Any:
        """Write a note about it, which everybody sees; nothing is changed by it."""
        return self._ask(
            "annotate", lambda told: Answer("annotate", told), key=key, kind="session", object=self.name, text=text,
            tags=list(tags),
        )  # fmt: skip

    def propose(self, reason: str, *, key: str = "", **values: Any) -> Any:
        """Propose other parameters in a note: who may operate the bot sets them, or does not."""
        if not values:
            raise Misuse(f"nothing is proposed for {self.name}", remedy="name what: bot.propose('wider', half_spread_bps=0.5)")
        told = ", ".join(f"`{name}={value!r}`" for name, value in values.items())
        return self.annotate(f"Proposal: {told}. {reason}", tags=("proposal",), key=key)

    def _set(self, name: str, value: Any, reason: str, key: str) -> Any:
        return self._command("set_parameter", key, parameter=name, value=value, reason=reason)


class Bot(_Steered):
    """A session; each attribute asks the gateway, and is as old as the moment in which it is read.

    Parameters
    ----------
    client : Client
    name : str
        Of the session.
    """

    def __init__(self, client: Client, name: str, known: Mapping[str, Any] | None = None) -> None:
        self.client, self.name = client, name
        self._last = BotStatus(name=name, told=dict(known or {}))

    def _ask(self, operation: str, shape: Shape, *, key: str = "", **given: Any) -> Any:
        return shape(self.client.call(operation, idempotency_key=key, **given))

    def _kill(self, reason: str, key: str) -> Any:
        account = self.status.account or "all"
        told = self.client.call(
            "emergency_stop", idempotency_key=key, account=account, level="session", session=self.name, reason=reason
        )
        return Answer("kill", {"session": self.name, "state": "stopped", **told.get("stop", {})})

    @property
    def status(self) -> BotStatus:
        """How it stands now."""
        self._last = BotStatus(name=self.name, told=self.client.get_sessions_name(name=self.name))
        return self._last

    @property
    def last(self) -> BotStatus:
        """How it stood when it was last asked for; asks nobody."""
        return self._last

    @property
    def parameters(self) -> dict[str, Any]:
        """The strategy's fields as they are now."""
        return self.status.parameters

    @property
    def pnl(self) -> float | None:
        """What it has earned since its start, settlement currency; None while that is not known."""
        return self.status.pnl

    @property
    def positions(self) -> Rows:
        """What it holds."""
        return Rows(self.client.positions(session=self.name)["data"], title=f"Positions of {self.name}", columns=POSITION_COLUMNS)

    @property
    def orders(self) -> Rows:
        """Its orders that work now."""
        return Rows(self.client.active(session=self.name)["data"], title=f"Open orders of {self.name}", columns=ORDER_COLUMNS)

    @property
    def fills(self) -> Rows:
        """Its executions of the last day, as the store has them; a session on paper keeps none there."""
        return fills_of(self.name, self.client.get_orders(session=self.name, limit=1_000), self.client.fills(limit=10_000))

    def set(self, *, reason: str = "", key: str = "", **values: Any) -> Answer:
        """Give parameters other values, from the next event on; one after the other.

        Parameters
        ----------
        **values
            By name.
        """
        return _set_all(self, values, reason, key)

    def watch(self) -> Watch:
        """Follow it: one thread of the client's keeps the newest value of everything, until the client is closed."""
        return Watch(self, self.client.follow())

    def _shown(self) -> BotStatus:
        try:
            return self.status
        except B25Error as fault:
            return BotStatus(name=self.name, told=self._last.told, fault=fault.what)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return self._shown()._repr_mimebundle_()

    def __repr__(self) -> str:
        return repr(self._shown())


class AsyncBot(_Steered):
    """The same, whose answers are awaited: ``await client.aio.bot("mm").pause("quotes look wrong")``."""

    def __init__(self, client: AsyncClient, name: str) -> None:
        self.client, self.name = client, name

    async def _ask(self, operation: str, shape: Shape, *, key: str = "", **given: Any) -> Any:
        return shape(await self.client.call(operation, idempotency_key=key, **given))

    async def _kill(self, reason: str, key: str) -> Any:
        account = (await self.status()).account or "all"
        told = await self.client.call(
            "emergency_stop", idempotency_key=key, account=account, level="session", session=self.name, reason=reason
        )
        return Answer("kill", {"session": self.name, "state": "stopped", **told.get("stop", {})})

    async def status(self) -> BotStatus:
        """How it stands now."""
        return BotStatus(name=self.name, told=await self.client.call("get_sessions_name", name=self.name))

    async def positions(self) -> Rows:
        """What it holds."""
        told = await self.client.call("positions", session=self.name)
        return Rows(told["data"], title=f"Positions of {self.name}", columns=POSITION_COLUMNS)

    async def orders(self) -> Rows:
        """Its orders that work now."""
        told = await self.client.call("active", session=self.name)
        return Rows(told["data"], title=f"Open orders of {self.name}", columns=ORDER_COLUMNS)

    async def fills(self) -> Rows:
        """Its executions of the last day, as the store has them."""
        orders = await self.client.call("get_orders", session=self.name, limit=1_000)
        return fills_of(self.name, orders, await self.client.call("fills", limit=10_000))

    async def set(self, *, reason: str = "", key: str = "", **values: Any) -> Answer:
        """Give parameters other values, from the next event on; one after the other."""
        _checked(self.name, values)
        told = Answer("set", {})
        for name, value in values.items():
            told = await self._set(name, value, reason, f"{key}-{name}" if key else "")
        return told

    def __repr__(self) -> str:
        return f"AsyncBot({self.name!r}, {self.client!r})"


class Bots(Mapping[str, Bot]):
    """Every session that may be seen, by name.

    Parameters
    ----------
    client : Client
    rows : list of dict
        As the gateway told them.
    """

    def __init__(self, client: Client, rows: list[dict[str, Any]]) -> None:
        self._bots = {str(row["name"]): Bot(client, str(row["name"]), row) for row in rows}

    def __getitem__(self, name: str) -> Bot:
        if name not in self._bots:
            raise Misuse(f"there is no session {name!r}", remedy=f"there are {', '.join(self._bots) or 'none'}")
        return self._bots[name]

    def __contains__(self, name: object) -> bool:
        return name in self._bots

    def __iter__(self) -> Iterator[str]:
        return iter(self._bots)

    def __len__(self) -> int:
        return len(self._bots)

    def card(self) -> Card:
        """What is shown of them, as they were told; `client.bots()` asks anew."""
        rows = []
        for bot in self._bots.values():
            one = bot.last
            held = ", ".join(f"{quantity} {symbol}" for symbol, quantity in one.positions.items())
            age = None if one.age_s is None else f"{one.age_s:.1f} s"
            state = f"{one.state}, stale" if one.is_stale and one.is_running else one.state
            rows.append((one.name, state, one.mode or None, one.gate or None, one.strategy or None, held or None, one.pnl, age))
        states = [bot.last.state for bot in self._bots.values()]
        badges = tuple((f"{states.count(word)} {word}", TONES.get(word, PLAIN)) for word in dict.fromkeys(states))
        heads = ("session", "state", "mode", "gate", "strategy", "position", "P&L", "age")
        tables = (Table(heads=heads, rows=rows),) if rows else ()
        notes = () if rows else ("no session yet: b25 up --plan up.toml, or b25 run",)
        return Card(title="Sessions", badges=badges, tables=tables, notes=notes)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        card = self.card()
        return {"text/plain": card.text(), "text/html": card.html()}

    def __repr__(self) -> str:
        return self.card().text()


class Watch:
    """The newest that is known of a bot, kept by the client's thread.

    Parameters
    ----------
    bot : Bot
    live : LiveThread
    """

    def __init__(self, bot: Bot, live: LiveThread) -> None:
        self.bot, self.live = bot, live

    @property
    def latest(self) -> BotStatus:
        """How it stands, as it was last pushed; the one before is thrown away, and nothing is queued."""
        entry = self.live.get(f"sessions.{self.bot.name}", {}) or {}
        told = {**dict(self.bot.last.told), **_flat(entry)}
        told["age_s"] = self.live.age_s(f"sessions.{self.bot.name}")
        why = self.live.live.why
        fault = why.what if why is not None and self.live.live.state != "connected" else ""
        return BotStatus(name=self.bot.name, told=told, fault=fault)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return self.latest._repr_mimebundle_()

    def __repr__(self) -> str:
        return repr(self.latest)


def fills_of(name: str, orders: Mapping[str, Any], fills: Mapping[str, Any]) -> Rows:
    """Executions whose orders are a session's."""
    own = {row["client_id"] for row in orders["data"] if row.get("client_id")}
    rows = [row for row in fills["data"] if row.get("client_id") in own]
    return Rows(rows, title=f"Fills of {name}", columns=FILL_COLUMNS)


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    status = entry.get("status")
    own = {name: entry[name] for name in ("strategy", "mode", "account", "is_running") if entry.get(name) is not None}
    return own | (dict(status) if isinstance(status, Mapping) else {})


def _checked(name: str, values: Mapping[str, Any]) -> None:
    if not values:
        raise Misuse(f"nothing is set for {name}", remedy="name what: bot.set(half_spread_bps=0.5)")


def _set_all(bot: Bot, values: Mapping[str, Any], reason: str, key: str) -> Answer:
    _checked(bot.name, values)
    told = Answer("set", {})
    for name, value in values.items():
        told = bot._set(name, value, reason, f"{key}-{name}" if key else "")
    return told
