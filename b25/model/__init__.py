"""The vocabulary: instrument, order, fill, position and event records, and the four kinds of error."""
