"""What needs a node or a database of the tests to be measured: `make bench-opensearch`, `make bench-sql`."""
