"""Every subject of the bus, declared once: what a message on it says, who makes it, who reads it, and how it is delivered.

Nothing else may be published, and nothing subscribed to that nobody makes. docs/bus.md is generated from this table.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from b25.bus import bodies
from b25.model.errors import Misuse

TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+")  # no dot, space or wildcard
HOLE: Final = re.compile(r"\{(\w+)\}")


class Delivery(StrEnum):
    """What happens when a reader is slower than what is told."""

    LATEST = "latest"  # a newer message replaces one that waits; what is lost is counted
    AT_LEAST_ONCE = "at least once"  # kept by the server until the reader says that it is done; doubles are the reader's to see


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One kind of message.

    Attributes
    ----------
    pattern : str
        Tokens with holes, e.g. ``"fills.{symbol}"``.
    body : type
        Record of `b25.bus.bodies`.
    producers, consumers : tuple of str
        Components, see `COMPONENTS`.
    version : int
        Of the body; raised with every change of it.
    """

    pattern: str
    body: type[Any]
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    delivery: Delivery
    version: int = 1

    @property
    def holes(self) -> tuple[str, ...]:
        """Names of what is to be filled in."""
        return tuple(HOLE.findall(self.pattern))

    def name(self, **tokens: str) -> str:
        """Subject with every hole filled. Raises Misuse for what is missing, strange, or no token."""
        self._check(tokens, set(self.holes) ^ set(tokens))
        return self.pattern.format(**tokens)

    def filter(self, **tokens: str) -> str:
        """Subject for subscribing: a hole that is not given matches anything."""
        self._check(tokens, set(tokens) - set(self.holes))
        return self.pattern.format(**{hole: "*" for hole in self.holes} | tokens)

    def matches(self, name: str) -> bool:
        """Whether a subject is one of these."""
        ours, theirs = self.pattern.split("."), name.split(".")
        return len(ours) == len(theirs) and all(
            TOKEN.fullmatch(b) is not None if HOLE.fullmatch(a) else a == b for a, b in zip(ours, theirs, strict=True)
        )

    def _check(self, tokens: dict[str, str], wrong: set[str]) -> None:
        if wrong:
            raise Misuse(f"{self.pattern}: {sorted(wrong)[0]!r} is missing or strange", remedy=f"give {', '.join(self.holes)}")
        for name, token in tokens.items():
            if not TOKEN.fullmatch(token):
                raise Misuse(
                    f"{self.pattern}: {token!r} is no token for {name}", remedy="use letters, digits, - and _; see symbol_token"
                )


COMPONENTS: Final = {
    "session": "a strategy that runs (`b25 run`)",
    "operator": "a person at `b25 bus`; always there",
    "gateway": "the API",
    "analytics": "events counted once, and added up (`b25 analytics serve`)",
    "alerts": "rules and their delivery (`b25 alerts serve`)",
    "drift": "sessions compared with their versions every night (`b25 drift --nightly`)",
}
READERS: Final = ("operator", "gateway", "alerts")
ANALYSED: Final = re.compile(
    r"(orders|fills|signals|account|config|alerts|health)\..*|risk\.(violation|alert|emergency)|market_data\..*\.(ticker|candles)"
)
LATEST, ONCE = Delivery.LATEST, Delivery.AT_LEAST_ONCE


def _of_session(pattern: str, body: type[Any], delivery: Delivery, version: int = 1) -> Subject:
    readers = (*READERS, "analytics") if ANALYSED.fullmatch(pattern) else READERS
    return Subject(pattern=pattern, body=body, producers=("session",), consumers=readers, delivery=delivery, version=version)


SUBJECTS: Final[tuple[Subject, ...]] = (
    _of_session("market_data.{symbol}.orderbook", bodies.OrderBook, LATEST),
    _of_session("market_data.{symbol}.trades", bodies.Prints, LATEST),
    _of_session("market_data.{symbol}.ticker", bodies.Ticker, LATEST),
    _of_session("market_data.{symbol}.candles", bodies.Candle, LATEST),
    _of_session("signals.{strategy}", bodies.Signal, LATEST),
    *(
        _of_session(f"orders.{what}.{{symbol}}", bodies.OrderChange, ONCE)
        for what in ("created", "updated", "filled", "canceled", "rejected")
    ),
    _of_session("fills.{symbol}", bodies.Fill, ONCE),
    _of_session("account.balance", bodies.Balance, LATEST),
    _of_session("account.position", bodies.Holdings, LATEST, version=2),
    _of_session("account.pnl", bodies.ProfitAndLoss, LATEST),
    _of_session("risk.metrics", bodies.RiskMetrics, LATEST),
    _of_session("risk.violation", bodies.RiskViolation, ONCE),
    _of_session("risk.alert", bodies.RiskAlert, ONCE),
    _of_session("risk.emergency", bodies.RiskEmergency, ONCE),
    Subject(
        pattern="config.updates.{type}", body=bodies.ConfigUpdate, producers=("operator", "gateway"),
        consumers=("session", *READERS, "analytics"), delivery=ONCE, version=2,
    ),
    _of_session("config.acks.{session}", bodies.ConfigAck, ONCE),
    _of_session("config.parameters.{session}", bodies.ParameterChange, ONCE),
    _of_session("alerts.{severity}", bodies.Alert, ONCE),
    Subject(
        pattern="health.{component}", body=bodies.Health, producers=("session", "alerts"),
        consumers=(*READERS, "analytics"), delivery=LATEST,
    ),
    Subject(
        pattern="commands.{session}", body=bodies.CommandRequest, producers=("operator", "gateway"), consumers=("session",),
        delivery=ONCE,
    ),
    _of_session("command_results.{session}", bodies.CommandResult, ONCE),
    Subject(
        pattern="alert_states.{severity}", body=bodies.AlertState, producers=("alerts", "gateway"),
        consumers=("operator", "gateway"), delivery=ONCE,
    ),
    Subject(
        pattern="annotations.{kind}", body=bodies.AnnotationChange, producers=("gateway",), consumers=("operator", "gateway"),
        delivery=ONCE,
    ),
    Subject(
        pattern="drift.{session}", body=bodies.SessionDrifted, producers=("drift", "operator"), consumers=("operator", "alerts"),
        delivery=ONCE,
    ),
)  # fmt: skip
BY_PATTERN: Final = {one.pattern: one for one in SUBJECTS}


def subject(pattern: str) -> Subject:
    """Return a declared subject by its pattern. Raises Misuse when nobody declared it."""
    found = BY_PATTERN.get(pattern)
    if found is None:
        near = difflib.get_close_matches(pattern, BY_PATTERN, 1)
        hint = f"did you mean {near[0]}?" if near else "declare it in b25/bus/subjects.py"
        raise Misuse(f"no subject {pattern!r} is declared", remedy=hint)
    return found


def subject_of(name: str) -> Subject:
    """Return what a full subject is one of. Raises Misuse when nobody declared it."""
    for one in SUBJECTS:
        if one.matches(name):
            return one
    raise Misuse(f"no subject {name!r} is declared", remedy="see b25 bus subjects")


def check_subjects(components: Iterable[str]) -> None:
    """Check that whatever one of these components reads is made by one of them.

    Raises
    ------
    Misuse
        Names the first subject that would be waited for in vain, or a component that nobody knows.
    """
    present = {*components, "operator"}
    if strange := sorted(present - set(COMPONENTS)):
        raise Misuse(f"{strange[0]!r} is no component of the bus", remedy=f"use {', '.join(COMPONENTS)}")
    for one in SUBJECTS:
        readers = [name for name in one.consumers if name in present and name != "operator"]
        if readers and not present.intersection(one.producers):
            raise Misuse(
                f"{readers[0]} reads {one.pattern}, which nothing in this plan makes",
                remedy=f"add one of: {', '.join(one.producers)}",
            )


def symbol_token(symbol: str) -> str:
    """Return the token of a unified symbol: ``BTC/USDT:USDT`` is ``BTC_USDT_USDT``."""
    return re.sub(r"[^A-Za-z0-9-]", "_", symbol)


class SymbolTokens:
    """Symbols and their tokens, both ways: what a token means is known from the instruments, never guessed.

    Parameters
    ----------
    symbols : iterable of str

    Raises
    ------
    Misuse
        When two symbols would have the same token.
    """

    def __init__(self, symbols: Iterable[str] = ()) -> None:
        self._symbols: dict[str, str] = {}
        for symbol in symbols:
            self.token(symbol)

    def token(self, symbol: str) -> str:
        """Token of a symbol, which is known from now on."""
        token = symbol_token(symbol)
        if self._symbols.setdefault(token, symbol) != symbol:
            raise Misuse(f"{symbol} and {self._symbols[token]} have the same token {token}", remedy="use separate buses for them")
        return token

    def symbol(self, token: str) -> str:
        """Symbol of a token. Raises Misuse when no instrument has it."""
        if token not in self._symbols:
            raise Misuse(f"no instrument has the token {token!r}", remedy=f"known are {', '.join(self._symbols) or 'none'}")
        return self._symbols[token]


def check_filter(name: str) -> None:
    """Check that a subject with wildcards, ``*`` for a token and ``>`` for the rest, can match something that is declared.

    Raises
    ------
    Misuse
        When it cannot: whoever subscribes to it would wait in vain.
    """
    words = name.split(".")
    for one in SUBJECTS:
        ours = one.pattern.split(".")
        rest = words[-1] == ">" and len(ours) >= len(words)
        if not rest and len(ours) != len(words):
            continue
        pairs = zip(ours, words[:-1] if rest else words, strict=False)
        if all(b in ("*", a) or (HOLE.fullmatch(a) and TOKEN.fullmatch(b)) for a, b in pairs):
            return
    raise Misuse(f"nothing declared matches {name!r}", remedy="see b25 bus subjects")
