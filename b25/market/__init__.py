"""Data in: import of raw captures, the catalog of Parquet files, quality checks, the tape, and synthetic order flow."""
