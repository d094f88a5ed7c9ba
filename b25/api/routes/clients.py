"""Who is connected to the socket: an administrator sees it, ends a connection, and says something to all."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from b25.api.doors import audit_facts, requires
from b25.api.gateway import Gateway, gateway_of, part
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission
from b25.api.ws.hub import Hub
from b25.store.audit import add_audit

router = APIRouter(prefix="/clients", tags=["platform"])
ByAdmin = Annotated[Principal, requires(Permission.PLATFORM)]
TheHub = Annotated[Hub, Depends(part(Hub))]
TheGateway = Annotated[Gateway, Depends(gateway_of)]
REFUSED: dict[int | str, dict[str, Any]] = {401: {"description": "Nobody asks"}, 403: {"description": "Not allowed"}}


class Client(BaseModel):
    """A connection."""

    client_id: str
    name: str
    type: str
    format: str
    ip: str
    since_ns: int
    channels: list[str]
    looks_at: str | None
    messages: int
    waiting: int
    was_slow: bool


class Clients(BaseModel):
    """All connections, and what passes over them."""

    clients: list[Client]
    figures: dict[str, Any]


class Reason(BaseModel):
    """Why a connection is ended."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=100, examples=["maintenance"])


class Notice(BaseModel):
    """What is said to all."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=500, examples=["the gateway restarts at 22:00 UTC"])


class Told(BaseModel):
    """To how many it was said."""

    clients: int


class Ended(BaseModel):
    """Which connection was ended."""

    client_id: str


@router.get("", responses=REFUSED)
async def list_clients(by: ByAdmin, hub: TheHub) -> Clients:
    """List who is connected."""
    return Clients(clients=[Client(**one.facts()) for one in hub.connections.values()], figures=hub.facts())


@router.post("/broadcast", responses=REFUSED)
async def broadcast(notice: Notice, request: Request, by: ByAdmin, hub: TheHub, gateway: TheGateway) -> Told:
    """Say something to all who are connected."""
    facts = audit_facts(request, object="clients", after=notice.text)
    await asyncio.to_thread(_audit, gateway, by.name, "clients.broadcast", facts)
    return Told(clients=hub.broadcast(notice.text, by.name))


@router.post("/{client_id}/disconnect", responses=REFUSED | {404: {"description": "There is none"}})
async def disconnect(
    client_id: str, told: Reason, request: Request, by: ByAdmin, hub: TheHub, gateway: TheGateway
) -> Ended:  # fmt: skip
    """End a connection; whoever it was may come again, as long as the sign-in holds."""
    found = hub.connections.get(client_id)
    if found is None:
        raise Problem(404, "no such connection", remedy="see the list; it may have ended")
    facts = audit_facts(request, object=f"clients/{client_id}", before=found.viewer.by.name, reason=told.reason)
    await asyncio.to_thread(_audit, gateway, by.name, "clients.disconnect", facts)
    hub.disconnect(client_id, told.reason)
    return Ended(client_id=client_id)


def _audit(gateway: Gateway, actor: str, action: str, body: dict[str, Any]) -> None:
    with gateway.store.writing():
        add_audit(gateway.store, actor=actor, action=action, body=body, now_ns=gateway.now_ns())
