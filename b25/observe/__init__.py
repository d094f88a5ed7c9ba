"""What the platform shows of itself: metrics that are declared once, logs with correlation ids, traces, health."""
