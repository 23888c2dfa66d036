"""Readers of collections: one file per layout, `layout.py` opens any of them by its name."""
