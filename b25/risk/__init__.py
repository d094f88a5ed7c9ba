"""Limits and the gate that every order passes."""
