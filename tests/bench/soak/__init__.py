"""Honest and hostile callers against one sidecar for minutes, while its workers die and its store comes and goes."""
