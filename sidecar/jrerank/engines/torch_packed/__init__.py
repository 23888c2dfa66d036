"""Scores windows with torch on GPUs, Apple silicon or a CPU, many windows in one run without padding between them."""
