"""The first cell of a notebook: the same numbers, the same look and the same time zone, wherever and whenever it is run."""

from __future__ import annotations

import importlib.util
import os
import random
import sys
import time
from typing import Final

from b25.model.errors import Misuse
from b25.notebook.offline import stay_offline
from b25.research.progress import is_tested

DIGITS: Final = 6
ROWS_SHOWN: Final = 10
SEED_MAX: Final = 2**32 - 1
YES: Final = frozenset({"1", "true", "yes", "on"})


def setup(*, seed: int = 7, offline: bool = True) -> None:
    """Prepare a notebook so that it can be run again with equal outputs.

    Seeds Python's and numpy's generators, sets the time zone to UTC, and how polars, pandas and numpy show numbers. Under a test
    no progress is shown. Where there is IPython, the displays of b25 are registered.

    Parameters
    ----------
    seed : int
        From 0 to 4294967295.
    offline : bool
        Refuse connections to other machines; this one can always be reached.

    Raises
    ------
    Misuse
        For a seed that is none.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= SEED_MAX:
        raise Misuse(f"seed={seed!r}", remedy=f"give a whole number from 0 to {SEED_MAX}")
    _seed(seed)
    os.environ["TZ"] = "UTC"
    if hasattr(time, "tzset"):
        time.tzset()
    _displays()
    if is_tested():
        os.environ["TQDM_DISABLE"] = "1"
    stay_offline(offline)
    if "IPython" in sys.modules:
        from IPython.core.getipython import get_ipython

        from b25.notebook.displays import register_displays

        if (shell := get_ipython()) is not None:
            register_displays(shell)


def fast() -> bool:
    """Whether long cells should take less: ``B25_FAST=1`` in the environment, or a test that runs this."""
    told = os.environ.get("B25_FAST", "").strip().lower()
    return told in YES if told else is_tested()


def _seed(seed: int) -> None:
    import numpy as np

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the generator that other people's code in a notebook uses


def _displays() -> None:
    import numpy as np
    import polars as pl

    np.set_printoptions(precision=DIGITS, suppress=True)
    pl.Config.set_tbl_rows(ROWS_SHOWN)
    pl.Config.set_tbl_hide_column_data_types(True)
    pl.Config.set_float_precision(DIGITS)
    if importlib.util.find_spec("pandas") is not None:
        import pandas as pd

        pd.set_option("display.precision", DIGITS)
        pd.set_option("display.max_rows", ROWS_SHOWN * 2)
