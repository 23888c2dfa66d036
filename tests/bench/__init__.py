"""Speed, latency and memory against other runtimes: `make bench`."""
