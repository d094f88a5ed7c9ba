"""What must outlive the process: intents, order events, fills, leases, decisions, audit. SQLite or PostgreSQL, one schema."""
