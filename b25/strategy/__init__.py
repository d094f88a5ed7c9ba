"""Strategy classes: parameters, state, indicators, and how they become machine code."""
