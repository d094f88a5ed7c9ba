"""Reports: notebooks that are run on a schedule, kept with their figures, and sent."""
