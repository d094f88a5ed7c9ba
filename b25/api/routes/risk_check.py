"""Risk: what a session's gate would say to an order, and what the limits would be used to; nothing is sent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from b25.api.answers import SYMBOL_EXAMPLE, Given, problems, symbol_of
from b25.api.doors import requires
from b25.api.gateway import part
from b25.api.principal import Principal
from b25.api.reach.commands import Asked, Commands
from b25.api.roles import Permission
from b25.api.routes.orders import Amount

router = APIRouter(prefix="/risk", tags=["risk"])


class Considered(Given):
    """An order that is thought of. Without a quantity only the largest that would pass is told."""

    session: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$", examples=["mm"])
    symbol: str = Field(max_length=60, examples=[SYMBOL_EXAMPLE])
    side: Literal["buy", "sell"]
    quantity: Amount | None = None
    price: Amount | None = Field(default=None, description="Null for a market order.")
    post_only: bool = False
    reduce_only: bool = False


class Exposure(BaseModel):
    """Position in the instrument and exposure of the session at the mids; null is what is not known."""

    position: str
    notional: str | None
    gross: str | None
    net: str | None
    equity: str | None
    leverage: float | None
    open_orders: int
    limits_used: dict[str, float] | None = Field(default=None, description="Share of each limit that was looked at.")


class GateSays(BaseModel):
    """What the gate would say now. It may say something else a moment later: nothing is held for it."""

    session: str
    verdict: str | None = Field(description="ok, or the first reason; null without a quantity.", examples=["ok"])
    reasons: list[str]
    max_quantity: str = Field(description="The largest that would pass; 0 for none.")
    stopped_by: str | None = Field(description="What stops the session as a whole, if anything.")
    before: Exposure
    after: Exposure | None


@router.post("/check", responses=problems(404))
async def check(
    body: Considered, by: Annotated[Principal, requires(Permission.READ)], asks: Annotated[Commands, Depends(part(Commands))],
    request: Request,
) -> GateSays:  # fmt: skip
    """Ask a running session's own gate what it would say to an order; the session stays as it was."""
    more: dict[str, Any] = {"symbol": symbol_of(body.symbol), "side": body.side}
    more |= {"type": "market" if body.price is None else "limit"}
    more |= {name: value for name in ("quantity", "price") if (value := getattr(body, name)) is not None}
    more |= {name: True for name in ("post_only", "reduce_only") if getattr(body, name)}
    told = await asks.ask(Asked(session=body.session, command="check", by=by, reason="", request=request, more=more))
    after = told.get("metrics_after")
    return GateSays(
        session=body.session, verdict=told.get("verdict"), reasons=told.get("reasons", []), max_quantity=told["max_quantity"],
        stopped_by=told.get("stopped_by"), before=Exposure(**told["metrics_before"]),
        after=None if after is None else Exposure(**after),
    )  # fmt: skip
