"""Prints the description of the API, as OpenAPI in JSON: `python -m b25.api.describe`. It opens no database and no socket."""

from __future__ import annotations

import sys
import time
from typing import Any, cast

import orjson

from b25.api.app import make_app
from b25.api.gateway import Gateway
from b25.config.settings import Settings


def description() -> dict[str, Any]:
    """Return the OpenAPI document of every route there is."""
    nothing = cast(Any, None)  # routes are only described, none is called
    return make_app(Gateway(settings=Settings(), store=nothing, now_ns=time.time_ns, authenticator=nothing)).openapi()


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(description(), option=orjson.OPT_SORT_KEYS))
