"""Which bar of a timeframe a time belongs to, and when the next one opens: fixed lengths on a grid, or months of the calendar.

A timeframe is three numbers: `frame_ns` and `offset_ns` where its bars are of one length and open at
`offset_ns + k * frame_ns`; `months` (and the others 0) where they open on the 1st of every so many months, in UTC.
"""

import numpy as np

from b25.kernels.jit import kernel

NS_PER_DAY = 86_400_000_000_000


@kernel
def frame_open(time_ns, frame_ns, offset_ns, months):
    """When the bar that contains `time_ns` opens, in ns."""
    if months == 0:
        return np.int64((time_ns - offset_ns) // frame_ns * frame_ns + offset_ns)
    return month_open(month_of(time_ns) // months * months)


@kernel
def frame_next(open_ns, frame_ns, offset_ns, months):
    """When the bar after the one that opens at `open_ns` opens, which is when that one is complete."""
    if months == 0:
        return np.int64(open_ns + frame_ns)
    return month_open(month_of(open_ns) + months)


@kernel
def month_of(time_ns):
    """Whole months from January 1970 to the month that contains a time."""
    # A year is counted from March, so that the leap day is its last; 400 years are 146,097 days.
    days = time_ns // NS_PER_DAY + 719468
    era = days // 146097
    day_of_era = days - era * 146097
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    return np.int64((era * 400 + year_of_era - 1970) * 12 + month_from_march + 2)


@kernel
def month_open(months):
    """Midnight, in ns, of the 1st of the month that is so many months after January 1970."""
    from_march = months - 2
    year = 1970 + from_march // 12
    month_from_march = from_march % 12
    era = year // 400
    year_of_era = year - era * 400
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + (153 * month_from_march + 2) // 5
    return np.int64((era * 146097 + day_of_era - 719468) * NS_PER_DAY)
