"""`bench load`: requests at their own times, whether answers come or not, against a sidecar, OpenSearch or PostgreSQL."""
