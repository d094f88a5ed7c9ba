"""Maintenance tiers of one instrument: how much equity a venue demands while a position of some size is held."""

from typing import Final

import numpy as np

TIERS_MAX: Final = 24  # the largest table seen at a venue has 12

# A tier begins at its `notional_from` and ends where the next one begins; in it the maintenance margin of a notional n is
# n * mmr - cum. All amounts are in the settlement currency: margin is an estimate, the ledger stays in integers.
TIERS = np.dtype(
    [
        ("count", "i8"),  # rows used; 0 means that nothing is demanded (spot)
        ("notional_max", "f8"),  # the largest position that the venue lets anyone hold
        ("notional_from", "f8", (TIERS_MAX,)),
        ("mmr", "f8", (TIERS_MAX,)),  # ratio, never falling from tier to tier
        ("cum", "f8", (TIERS_MAX,)),
        ("leverage_max", "f8", (TIERS_MAX,)),
    ],
    align=True,
)
assert TIERS.itemsize == sum(TIERS[name].itemsize for name in TIERS.names or ()) == 784
