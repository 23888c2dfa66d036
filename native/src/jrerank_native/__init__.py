"""Kernels in C, by ctypes, which releases the GIL: see `jrerank_native.unigram`."""
