"""Events of the platform as facts, the numbers in them, and what they add up to: pure functions, no clock and no database."""
