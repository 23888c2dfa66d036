"""Where rows come from: files, a table or a query of PostgreSQL, an index of OpenSearch."""
