"""One call of ccxt turned into an Outcome: what was sent, what was answered, and what that proves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from b25.model.errors import Misuse
from b25.venue.ccxt.classify import classify, failure_of
from b25.venue.ccxt.classify_other import classify_other
from b25.venue.ccxt.client import signing_ms
from b25.venue.ccxt.dialect import Call
from b25.venue.ccxt.limiter import Lane, OverBudget, lane
from b25.venue.ccxt.parse import NoSuchOrder
from b25.venue.ccxt.trail import Exchanged, said, trail
from b25.venue.port.outcome import Answer, Outcome, not_sent

T = TypeVar("T")


class Caller:
    """Calls a watched ccxt exchange.

    Parameters
    ----------
    api : ccxt exchange
    exchange : str
        Ccxt id, which decides whose error table holds.
    """

    def __init__(self, api: Any, exchange: str) -> None:
        self.api, self.exchange = api, exchange

    async def ask(self, call: Call, read: Callable[[Any], T]) -> Outcome[T]:
        """Call what changes nothing. UNKNOWN then means that there was no answer."""
        return await self._call(call, read, Lane.NORMAL, changes=False, sign_ms=0)

    async def change(self, call: Call, read: Callable[[Any], T], lane: Lane = Lane.NORMAL, *, sign_ms: int = 0) -> Outcome[T]:
        """Call what changes something at the venue, once."""
        return await self._call(call, read, lane, changes=True, sign_ms=sign_ms)

    async def _call(self, call: Call, read: Callable[[Any], T], its_lane: Lane, *, changes: bool, sign_ms: int) -> Outcome[T]:
        with trail() as sent:
            lane_token, sign_token = lane.set(its_lane), signing_ms.set(sign_ms)
            try:
                arguments = call.arguments if call.params is None else (*call.arguments, *self._params(call))
                told = await getattr(self.api, call.method)(*arguments)
            except (Misuse, asyncio.CancelledError):
                raise
            except Exception as raised:
                return self._failed(sent, raised, changes=changes)
            finally:
                lane.reset(lane_token)
                signing_ms.reset(sign_token)
        http = sent[-1].status if sent else 0
        try:
            return Outcome(answer=Answer.ACCEPTED, value=read(told), http=http)
        except NoSuchOrder as fault:
            return Outcome(answer=Answer.QUERY, http=http, text=str(fault))
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as fault:
            # The venue did something and said something that we cannot read: it is no failure, and no success either.
            text = f"{call.method}: {type(fault).__name__}: {fault}"
            return Outcome(answer=Answer.UNKNOWN, http=http, text=said(text), alarm=True)

    def _params(self, call: Call) -> tuple[Any, ...]:
        """Pad the arguments up to `params`, which ccxt takes last."""
        width = PARAMS_AT.get(call.method, len(call.arguments))
        return (*([None] * (width - len(call.arguments))), dict(call.params or {}))

    def _failed(self, sent: list[Exchanged], raised: Exception, *, changes: bool) -> Outcome[Any]:
        text = said(f"{type(raised).__name__}: {raised}")
        mattered = [one for one in sent if not (changes and one.is_read)]
        if isinstance(raised, OverBudget) and not mattered:
            return not_sent(str(raised), retry_after_s=raised.wait_ns / 1e9)
        if not mattered:
            return not_sent(text, alarm=not sent)
        one = mattered[-1]
        return classify(failure_of(one)) if self.exchange == "binance" else classify_other(one, raised)


# Where `params` stands in the methods that are called with fewer arguments before it.
PARAMS_AT = {
    "create_order": 5,
    "cancel_order": 2,
    "fetch_order": 2,
    "edit_order": 6,
    "cancel_all_orders": 1,
    "fetch_open_orders": 3,
    "fetch_my_trades": 3,
}
