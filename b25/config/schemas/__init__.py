"""Schemas of what can be configured, one model a type."""
