"""Which windows run next, and the threads that run them."""
