"""The plugin in a real node: what it costs, what faults cost, whether anything leaks, what is gained."""
