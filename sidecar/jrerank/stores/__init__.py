"""Passages by id, where the caller sends none."""
