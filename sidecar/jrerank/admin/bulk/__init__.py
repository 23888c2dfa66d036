"""`bulk`: rows of queries with passages, as many as there are."""
