"""What is proven after a request to a venue whose error table we do not hold: as little as can be helped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from b25.venue.ccxt.budgets import retry_after_s
from b25.venue.ccxt.trail import Exchanged, never_connected, said
from b25.venue.port.outcome import Answer, Outcome, Reaction, Scope

# By the name of ccxt's class, the most special first; used only when the venue answered with a body that ccxt could read.
KNOWN: Final[tuple[tuple[str, Outcome[Any]], ...]] = (
    ("DuplicateOrderId", Outcome(answer=Answer.QUERY)),
    ("OrderNotFound", Outcome(answer=Answer.QUERY)),
    ("OrderNotCached", Outcome(answer=Answer.QUERY)),
    ("CancelPending", Outcome(answer=Answer.QUERY)),
    ("InsufficientFunds", Outcome(answer=Answer.REJECTED)),
    ("InvalidOrder", Outcome(answer=Answer.REJECTED)),
    ("InvalidNonce", Outcome(answer=Answer.NOT_ACCEPTED, resync_clock=True)),
    ("AccountSuspended", Outcome(answer=Answer.NOT_ACCEPTED, scope=Scope.ACCOUNT, reaction=Reaction.HALT)),
    ("PermissionDenied", Outcome(answer=Answer.NOT_ACCEPTED, scope=Scope.ACCOUNT, reaction=Reaction.HALT)),
    ("AuthenticationError", Outcome(answer=Answer.NOT_ACCEPTED, scope=Scope.ACCOUNT, reaction=Reaction.HALT)),
    ("BadSymbol", Outcome(answer=Answer.REJECTED, scope=Scope.SYMBOL, reaction=Reaction.HALT)),
    ("MarketClosed", Outcome(answer=Answer.REJECTED, scope=Scope.SYMBOL, reaction=Reaction.HOLD)),
    ("MarginModeAlreadySet", Outcome(answer=Answer.ACCEPTED)),
    ("NoChange", Outcome(answer=Answer.ACCEPTED)),
    ("BadRequest", Outcome(answer=Answer.REJECTED, alarm=True)),
    ("OperationRejected", Outcome(answer=Answer.REJECTED)),
    ("RateLimitExceeded", Outcome(answer=Answer.NOT_ACCEPTED)),
    ("DDoSProtection", Outcome(answer=Answer.NOT_ACCEPTED)),
)


def classify_other(one: Exchanged, raised: BaseException) -> Outcome[Any]:
    """Tell what a failed request to any other venue came to.

    No answer, a server's error, a body that is no JSON, or a class of ccxt's that means trouble in general is UNKNOWN. A
    business error counts as one only when the venue said so in a body that was read whole.
    """
    text = said(f"{type(raised).__name__}: {raised}")
    if one.status == 0:
        answer = Answer.NOT_SENT if never_connected(one.fault or raised) else Answer.UNKNOWN
        return Outcome(answer=answer, text=text)
    wait_s = retry_after_s(one.header("Retry-After"))
    unknown: Outcome[Any] = Outcome(answer=Answer.UNKNOWN, http=one.status, text=text, retry_after_s=wait_s)
    if one.status >= 500 or one.status == 408 or one.parsed is None:
        return unknown
    classes = {kind.__name__ for kind in type(raised).__mro__}
    for name, outcome in KNOWN:
        if name in classes:
            return replace(outcome, http=one.status, text=text, retry_after_s=wait_s)
    if 400 <= one.status < 500 and "ExchangeError" in classes:
        return replace(unknown, answer=Answer.REJECTED, alarm=True)
    return replace(unknown, alarm=True)
