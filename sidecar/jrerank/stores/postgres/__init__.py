"""Passages in a PostgreSQL table; needs the extra `postgres`."""
