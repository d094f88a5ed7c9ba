"""What is proven after a request to Binance: from the market, the method, HTTP status, code, text and cause, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from b25.venue.ccxt.binance_errors import FAILED_503, LINEAR, RULES, SPOT, UNKNOWN_503
from b25.venue.ccxt.budgets import retry_after_s
from b25.venue.ccxt.trail import Exchanged, never_connected, said
from b25.venue.port.outcome import Answer, Outcome, Reaction, Scope

SEVERITY: Final = {Reaction.NONE: 0, Reaction.HOLD: 1, Reaction.HALT: 2}


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that did not simply succeed.

    Attributes
    ----------
    market : str
        ``"spot"`` or ``"linear"``.
    method : str
    http : int
        0 when no answer came, or it was cut inside its body.
    body : object
        The answer as JSON; None when it is none.
    text : str
        The answer as it came.
    headers : Mapping
    cause : BaseException, optional
        What the network did, when no answer came.
    """

    market: str
    method: str
    http: int = 0
    body: Any = None
    text: str = ""
    headers: Mapping[str, str] | None = None
    cause: BaseException | None = None

    @property
    def retry_after_s(self) -> float:
        """What the venue asks to wait."""
        value = next((v for k, v in (self.headers or {}).items() if k.lower() == "retry-after"), "")
        return retry_after_s(value)


def failure_of(one: Exchanged) -> Failure:
    """Describe a request of Binance that was answered by an error, or not at all."""
    market = LINEAR if "/fapi/" in one.url else SPOT
    return Failure(market, one.method, one.status, one.parsed, one.body, one.headers, one.fault)


def classify(failure: Failure) -> Outcome[Any]:
    """Tell what a failed request to Binance came to.

    The order of evaluation: no answer at all; a body that is no JSON; the two parts of a cancel-replace; the table; and for a
    pair that the table does not hold, UNKNOWN above 500 and REJECTED with an alarm below.
    """
    if failure.http == 0:
        return _unanswered(failure)
    banned = failure.http == 418
    if not isinstance(failure.body, dict):
        return _limited(failure, _outcome(failure, Answer.UNKNOWN), banned=banned)
    code, message = _code(failure.body), str(failure.body.get("msg") or "")
    if failure.market == SPOT and isinstance(failure.body.get("data"), dict) and "cancelResult" in failure.body["data"]:
        return _limited(failure, _replaced(failure, code, message), banned=banned)
    return _limited(failure, _by_table(failure, code, message), banned=banned)


def _unanswered(failure: Failure) -> Outcome[Any]:
    """No answer: proof only when no connection was ever made."""
    cause = failure.cause
    text = f"{type(cause.__cause__ or cause).__name__}: {cause}" if cause is not None else "no answer"
    answer = Answer.NOT_SENT if never_connected(cause) else Answer.UNKNOWN
    return Outcome(answer=answer, text=said(text))


def _by_table(failure: Failure, code: int | None, message: str) -> Outcome[Any]:
    lower = message.lower()
    if failure.http == 503 and failure.market == LINEAR and code not in (-1000, -1001, -1006, -1007, -1008):
        if lower.strip() == FAILED_503:
            return _outcome(failure, Answer.NOT_ACCEPTED, code, message)
        if UNKNOWN_503 in lower:
            return _outcome(failure, Answer.UNKNOWN, code, message)
    if code is not None:
        # A code beside HTTP 200 is judged as if it had come with 400: Binance has answered so, batches still do.
        http = 400 if 200 <= failure.http < 300 else failure.http
        for rule in RULES:
            if rule.fits(failure.market, http, code, message):
                return replace(
                    _outcome(failure, rule.answer, code, message),
                    scope=rule.scope,
                    reaction=rule.reaction,
                    resync_clock=rule.resync_clock,
                    renew_stream=rule.renew_stream,
                    alarm=rule.alarm,
                    ended_unfilled=rule.ended_unfilled,
                )
    done = 200 <= failure.http < 300 and (code is None or code >= 0)  # it was done, and what came back made no sense to us
    if failure.http >= 500 or failure.http == 408 or done:
        return replace(_outcome(failure, Answer.UNKNOWN, code, message), alarm=done)
    return replace(_outcome(failure, Answer.REJECTED, code, message), alarm=True)


def _replaced(failure: Failure, code: int | None, message: str) -> Outcome[Any]:
    """A cancel-replace has two fates; that of the new order is the answer, that of the old one decides what must be asked."""
    data = failure.body["data"]
    fates = [str(data.get("cancelResult")), str(data.get("newOrderResult"))]
    parts = [_part(failure, data.get(name)) for name in ("cancelResponse", "newOrderResponse")]
    worst = max(parts, key=lambda part: SEVERITY[part.reaction])
    unclear = any(fate == "FAILURE" and part.answer is Answer.UNKNOWN for fate, part in zip(fates, parts, strict=True))
    if unclear:
        answer = Answer.UNKNOWN
    elif "SUCCESS" in fates or parts[0].answer is Answer.QUERY or parts[1].answer is Answer.QUERY:
        answer = Answer.QUERY  # one half was done, or the state of the old order is open
    else:
        answer = Answer.REJECTED
    return replace(
        _outcome(failure, answer, code, f"{message} cancel {fates[0]}, new order {fates[1]}: {parts[0].text} {parts[1].text}"),
        scope=worst.scope,
        reaction=worst.reaction,
        resync_clock=any(part.resync_clock for part in parts),
    )


def _part(failure: Failure, response: Any) -> Outcome[Any]:
    if not isinstance(response, dict) or _code(response) is None:
        return Outcome(answer=Answer.ACCEPTED)
    http = 400 if failure.http in (409, 429) else failure.http
    return _by_table(replace(failure, http=http), _code(response), str(response.get("msg") or ""))


def _limited(failure: Failure, outcome: Outcome[Any], *, banned: bool) -> Outcome[Any]:
    """Add what a status alone says: how long to wait, and that an address is banned."""
    if failure.http not in (418, 429) and not failure.retry_after_s:
        return outcome
    outcome = replace(outcome, retry_after_s=failure.retry_after_s)
    return replace(outcome, scope=Scope.ACCOUNT, reaction=Reaction.HALT, alarm=True) if banned else outcome


def _outcome(failure: Failure, answer: Answer, code: int | None = None, message: str = "") -> Outcome[Any]:
    return Outcome(answer=answer, http=failure.http, code=code, text=said(message or failure.text))


def _code(body: Mapping[str, Any]) -> int | None:
    value = body.get("code")
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None
