"""Reports: notebooks that are run on a schedule, kept with their figures, and sent."""

from b25.reports.record import record

__all__ = ["record"]
