"""The client of the API, for notebooks, dashboards and the command line; it knows nothing of how the server is made."""
