"""Attacks on a sidecar, and what an honest caller notices of them."""
