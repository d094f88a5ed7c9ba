"""The state pushed to dashboards, terminals and notebooks: a snapshot, then what changed."""
