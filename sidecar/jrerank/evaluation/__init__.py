"""Whether reranking helps: datasets and measures."""
