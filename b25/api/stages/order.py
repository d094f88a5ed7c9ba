"""The order of the stages, outermost first; each is plain ASGI, and what it refuses goes no further."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI

from b25.api.gateway import Gateway
from b25.api.platform_metrics import PlatformMetrics
from b25.api.request_meter import RequestMeter
from b25.api.stages.again import Again
from b25.api.stages.body import Body
from b25.api.stages.deadline import Deadline
from b25.api.stages.envelope import Envelope
from b25.api.stages.idempotent import Idempotent
from b25.api.stages.kept import Kept
from b25.api.stages.origin import Origin
from b25.api.stages.rates import Rates
from b25.api.stages.ready import Ready
from b25.api.stages.sign_in import SignIn
from b25.api.stages.table import Found

# Recovery, request id, access log and security headers are one stage, Envelope, for they are on every answer, refusals included.
STAGES: Final[tuple[type[Any], ...]] = (Envelope, Origin, Found, Body, SignIn, Rates, Ready, Kept, Deadline, Again, Idempotent)


def install_stages(app: FastAPI, gateway: Gateway) -> None:
    """Put the stages before the routes; the last one added is passed first."""
    for stage in reversed(STAGES):
        app.add_middleware(stage, gateway=gateway)
    if PlatformMetrics in gateway.parts:  # outermost of all: refusals are counted too
        app.add_middleware(RequestMeter, meter=gateway.part(PlatformMetrics).meter)
