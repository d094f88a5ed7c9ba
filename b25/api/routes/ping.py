"""Whether somebody answers."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from b25.api.doors import public

router = APIRouter(tags=["platform"])


class Pong(BaseModel):
    """An answer."""

    pong: bool = True


@router.get("/ping", dependencies=[public()])
async def ping() -> Pong:
    """Answer, to nobody in particular."""
    return Pong()
