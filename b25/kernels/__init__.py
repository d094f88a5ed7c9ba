"""Pure compiled functions over the model's records: no clock, no I/O, no Python objects."""
