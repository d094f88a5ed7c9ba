"""Binance's error table: what each `(market, HTTP status, code, text)` proves. ccxt's exception classes play no part in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from b25.venue.port.outcome import Answer, Reaction, Scope

SPOT, LINEAR = "spot", "linear"
CLIENT: Final = (400, 499)
ANY: Final = (200, 599)
SERVER: Final = (503, 503)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. The first that fits decides: specific texts stand before a code's default.

    Attributes
    ----------
    codes : tuple of int
    answer : Answer
    text : str
        Part of the message, lower case; empty fits all.
    market : str
        Empty fits all.
    http : tuple of int
        Least and greatest status. An answer outside it is not what the table knows.
    """

    codes: tuple[int, ...]
    answer: Answer
    text: str = ""
    market: str = ""
    http: tuple[int, int] = CLIENT
    scope: Scope = Scope.NONE
    reaction: Reaction = Reaction.NONE
    resync_clock: bool = False
    renew_stream: bool = False
    alarm: bool = False
    ended_unfilled: bool = False

    def fits(self, market: str, http: int, code: int, text: str) -> bool:
        """Whether this row is about such an answer."""
        return (
            code in self.codes
            and self.market in ("", market)
            and self.http[0] <= http <= self.http[1]
            and self.text in text.lower()
        )


def _rejected(codes: tuple[int, ...], text: str = "", market: str = "", *, alarm: bool = False) -> Rule:
    return Rule(codes, Answer.REJECTED, text, market, alarm=alarm)


def _halts(answer: Answer, codes: tuple[int, ...], text: str = "", scope: Scope = Scope.ACCOUNT) -> Rule:
    return Rule(codes, answer, text, scope=scope, reaction=Reaction.HALT)


_PARAMETER: Final = (*range(-1106, -1099), -1111, -1115, -1116, -1117, -1120, -1127, -1128, -1130, -1131)
_FUTURES_FILTERS: Final = (-4003, -4004, -4005, -4013, -4014, -4015, -4016, -4023, -4024, -4131, -4164)
_MODES: Final = (-4047, -4048, -4059, -4061, -4067)
_DISABLED: Final = "this action is disabled on this account"

RULES: Final[tuple[Rule, ...]] = (
    # Nobody knows whether it was done, whatever the status says.
    Rule((-1000, -1001, -1006, -1007), Answer.UNKNOWN, http=ANY),
    Rule((-1008,), Answer.NOT_ACCEPTED, market=LINEAR, http=ANY),
    Rule((-1008,), Answer.UNKNOWN, http=ANY),
    # Turned away at the door.
    Rule((-1003,), Answer.NOT_SENT),
    Rule((-1015,), Answer.NOT_ACCEPTED),
    Rule((-1021,), Answer.NOT_ACCEPTED, resync_clock=True),
    _halts(Answer.NOT_ACCEPTED, (-1022, -2014, -2015)),
    Rule((-1125,), Answer.REJECTED, renew_stream=True),
    # Filters, parameters and types.
    _rejected((-1013,)),
    _rejected((-1112,)),
    _halts(Answer.REJECTED, (-1121,), scope=Scope.SYMBOL),
    _rejected(_PARAMETER, alarm=True),
    # -2010 says everything from "too poor" to "you are frozen": only the text tells.
    Rule((-2010,), Answer.QUERY, "duplicate order sent"),
    _rejected((-2010,), "insufficient balance"),
    _rejected((-2010,), "immediately match and take"),
    _rejected((-2010,), "would trigger immediately"),
    _halts(Answer.REJECTED, (-2010,), "market is closed", Scope.SYMBOL),
    _halts(Answer.REJECTED, (-2010,), "this symbol is not permitted", Scope.SYMBOL),
    _halts(Answer.REJECTED, (-2010,), "this symbol is restricted", Scope.SYMBOL),
    _halts(Answer.REJECTED, (-2010,), _DISABLED),
    _halts(Answer.REJECTED, (-2010,), "may not place or cancel orders"),
    _halts(Answer.REJECTED, (-2010,), "trading is not enabled"),
    _rejected((-2010,), alarm=True),
    # A cancel that was refused leaves the order as it was: never gone, always a question.
    _halts(Answer.QUERY, (-2011,), _DISABLED),
    _halts(Answer.QUERY, (-2011,), "may not place or cancel orders"),
    _halts(Answer.QUERY, (-2011,), "trading is not enabled"),
    Rule((-2011,), Answer.QUERY, "unknown order sent"),
    Rule((-2011,), Answer.QUERY, "not canceled due to cancel restrictions"),
    Rule((-2011,), Answer.QUERY, alarm=True),
    Rule((-2013,), Answer.QUERY),
    Rule((-2026,), Answer.REJECTED, ended_unfilled=True),
    _rejected((-2039,), alarm=True),
    Rule((-4116,), Answer.QUERY),
    # Money and margin.
    _rejected((-2018, -2019), market=LINEAR),
    _rejected((-2020, -2021, -2022, -2023, -2024), market=LINEAR),
    _rejected((-2025, -2027, -2028)),
    _rejected(_FUTURES_FILTERS, market=LINEAR),
    _rejected(_MODES, market=LINEAR),
    _rejected((-4120,), alarm=True),
    _rejected((-4118,), market=LINEAR),
    _halts(Answer.REJECTED, (-4192,)),
    _rejected((-5021, -5022), market=LINEAR),
    # Nothing to do is done.
    Rule((-4046,), Answer.ACCEPTED),
    Rule((-5027,), Answer.ACCEPTED, market=LINEAR),
    # The matching engine's own window: the change was too late and was not made.
    Rule((-5028,), Answer.NOT_ACCEPTED, market=LINEAR, resync_clock=True),
)

# Futures, HTTP 503: Binance tells these two apart by text alone.
UNKNOWN_503: Final = "unknown error, please check your request or try again later"
FAILED_503: Final = "service unavailable."
