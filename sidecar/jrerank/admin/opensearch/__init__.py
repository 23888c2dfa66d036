"""What `jrerank-admin` does to an OpenSearch cluster, or, with the same client, to an Elasticsearch one."""
