"""Return series given by formulas, and what empyrical-reloaded 0.7.1 and scipy 1.17.1 (Apache-2.0, BSD-3) say about them."""

import json
from pathlib import Path

import numpy as np

ORACLE = json.loads((Path(__file__).parent / "oracle.json").read_text(encoding="utf-8"))


def series(kind: str) -> np.ndarray:
    """Four hundred daily returns that any other software can be given too."""
    t = np.arange(1, 401)
    return {
        "waves": 0.0005 + 0.02 * np.sin(t) + 0.01 * np.cos(t * t),
        "jumps": np.where(t % 37 == 0, -0.08, 0.003) + 0.004 * np.sin(3 * t),
        "falling": -0.001 + 0.015 * np.sin(t * 0.7) * np.cos(t * 0.05),
    }[kind]
