"""What a notebook adds to the library: widgets, magics, rich displays."""
