"""The documented answers of both markets, by method and path."""

from pathlib import Path
from typing import Any

import orjson


def samples() -> dict[str, Any]:
    folder = Path(__file__).parent
    return {
        key: body for name in ("spot", "linear") for key, body in orjson.loads((folder / f"{name}.json").read_bytes()).items()
    }
