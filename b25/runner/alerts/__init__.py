"""Alerts: rules over what the bus tells, who is told, and how it is made sure that somebody was."""
