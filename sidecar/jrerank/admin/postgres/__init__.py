"""`postgres`: reranking inside PostgreSQL, set up, looked at, taken away; passages loaded and searched."""
