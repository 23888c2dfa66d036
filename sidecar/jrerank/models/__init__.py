"""A checkpoint, and what is made of it: graphs, int8, artifacts on disk."""
