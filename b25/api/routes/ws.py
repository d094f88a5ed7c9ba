"""The socket at /ws: see docs/websocket.md."""

from __future__ import annotations

import asyncio
import contextlib
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from b25.api.gateway import Gateway
from b25.api.principal import Principal
from b25.api.roles import Permission
from b25.api.ws.conversation import Conversation
from b25.api.ws.door import by_ticket
from b25.api.ws.hub import Connection, Hub
from b25.api.ws.viewer import Closed

AT_ROOT = True
READ_S: Final = 60.0
router = APIRouter()


class Kind(StrEnum):
    """What connects: it says how often it wants to hear."""

    WEB = "web"
    TUI = "tui"
    NOTEBOOK = "notebook"


class Form(StrEnum):
    """How messages are written."""

    JSON = "json"
    MSGPACK = "msgpack"


@router.websocket("/ws")
async def ws(
    websocket: WebSocket,
    by: Annotated[Principal, by_ticket(Permission.READ)],
    type: Kind = Kind.WEB,
    format: Form = Form.JSON,
) -> None:
    """Push the state, and take commands."""
    gateway: Gateway = websocket.app.state.gateway
    hub = gateway.part(Hub)
    one = hub.enter(by, type.value, format.value, websocket.client.host if websocket.client else "")
    why = "lost"
    try:
        await websocket.accept()
        why = await _converse(websocket, hub, one)
    finally:
        hub.leave(one, why)


async def _converse(websocket: WebSocket, hub: Hub, one: Connection) -> str:
    """Read and write until either ends; gives why it did."""
    talk = Conversation(hub, one)
    is_text = one.viewer.wire.is_text

    async def send(data: bytes) -> None:
        await websocket.send({"type": "websocket.send", **({"text": data.decode()} if is_text else {"bytes": data})})

    async def read() -> None:
        while True:
            async with asyncio.timeout(READ_S):
                message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            text = message.get("text")
            talk.take(text.encode("utf-8", "surrogatepass") if text is not None else message.get("bytes") or b"")

    tasks = [asyncio.create_task(one.viewer.run(send)), asyncio.create_task(read())]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    fault = next(iter(done)).exception()
    if isinstance(fault, Closed):
        await _close(websocket, fault.code, fault.reason)
        return str(fault.code)
    if isinstance(fault, TimeoutError):
        await _close(websocket, 1001, "silent for a minute")
        return "silent"
    if isinstance(fault, WebSocketDisconnect):
        return "left"
    await _close(websocket, 1011, "internal error")
    raise fault if fault is not None else RuntimeError("a socket ended without a reason")


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    """Close it; one that takes nothing any more is left to the server, which ends it after its own time."""
    if websocket.application_state is WebSocketState.CONNECTED:
        with contextlib.suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
            async with asyncio.timeout(1.0):
                await websocket.close(code, reason)
