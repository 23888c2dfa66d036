"""Passages and searches on OpenSearch and Elasticsearch; needs the extra `opensearch`."""
