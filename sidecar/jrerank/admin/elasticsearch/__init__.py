"""What `jrerank-admin` does to an Elasticsearch cluster: an inference endpoint, and searches that use it."""
