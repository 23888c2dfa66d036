"""Hit lists of the user's own search: an OpenSearch query template, an SQL statement, or the sidecar's search door."""
