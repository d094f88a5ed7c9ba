"""What Prometheus reads. It signs in as a service: nobody is let in for coming from this machine, where a proxy may stand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse

from b25.api.doors import requires
from b25.api.gateway import part
from b25.api.platform_metrics import PlatformMetrics
from b25.api.principal import Principal
from b25.api.roles import Permission
from b25.observe.meter import MEDIA

AT_ROOT = True
router = APIRouter(tags=["platform"])


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' text format."},
        401: {"description": "Nobody, or not known."},
        403: {"description": "Known, and may not read."},
    },
)
async def metrics(
    by: Annotated[Principal, requires(Permission.READ)], found: Annotated[PlatformMetrics, Depends(part(PlatformMetrics))]
) -> PlainTextResponse:
    """Tell every metric of the gateway and of all processes of the run folder."""
    return PlainTextResponse(await found.text(), media_type=MEDIA)
