"""What a reranked search means, without I/O: the same as in the OpenSearch plugin, held to it by `tests/vectors`."""
