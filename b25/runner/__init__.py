"""Processes around sessions: the live loop, the supervisor, the kill switch, and what the machine must be fit for."""
