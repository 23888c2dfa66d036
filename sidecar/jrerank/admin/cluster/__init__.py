"""A cluster of OpenSearch or Elasticsearch: the client, and the dry run that prints what it would send."""
