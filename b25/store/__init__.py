"""What survives a process: journals of sessions, and the database. The only place that knows how either is written."""
