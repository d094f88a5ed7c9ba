"""Which version answers."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel

from b25.api.doors import public
from b25.api.stages.envelope import API_VERSION

AT_ROOT: Final = True
router = APIRouter(tags=["platform"])
_OURS: Final = version("b25")


class Version(BaseModel):
    """A version."""

    name: str = "b25"
    version: str
    api: str


@router.get("/version", dependencies=[public()])
async def told() -> Version:
    """Version of b25, and of this API."""
    return Version(version=_OURS, api=API_VERSION)
