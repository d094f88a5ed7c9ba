"""Makes the application: every module of `b25.api.routes`, behind its doors."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI

from b25.api import routes
from b25.api.doors import check_doors
from b25.api.gateway import Gateway
from b25.api.openapi import install_openapi
from b25.api.problems import install_problems
from b25.api.stages import install_stages

PREFIX: Final = "/api/v1"
STOP_S: Final = 8.0  # for the parts, after the requests have ended


def make_app(gateway: Gateway) -> FastAPI:
    """Return the application of a gateway; its parts start and stop with it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await gateway.start()
            yield
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await gateway.stop()

    app = FastAPI(
        title="b25",
        version=version("b25"),
        lifespan=lifespan,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.gateway = gateway
    for found in sorted(pkgutil.iter_modules(routes.__path__), key=lambda one: one.name):
        module = importlib.import_module(f"{routes.__name__}.{found.name}")
        app.include_router(module.router, prefix="" if getattr(module, "AT_ROOT", False) else PREFIX)
    install_problems(app)
    install_stages(app, gateway)
    install_openapi(app)
    check_doors(app)
    return app
