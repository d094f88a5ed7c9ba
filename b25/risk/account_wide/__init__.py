"""Conditions on a whole account, over all its sessions: pure functions of a snapshot."""
