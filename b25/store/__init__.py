"""What must outlive the process: journals of sessions; intents, order events, fills, leases, decisions, audit in one schema."""
