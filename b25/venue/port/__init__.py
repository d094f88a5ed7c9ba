"""What b25 asks of a venue, and what it is told: the same for a simulated, a test and a live one."""
