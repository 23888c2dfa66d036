"""Reranks files of any size: streaming, in bounded memory, and resumed where it was cut off."""
