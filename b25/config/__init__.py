"""Settings: what is fixed at the start (files, environment, command line), and what is versioned and changes at run time."""
