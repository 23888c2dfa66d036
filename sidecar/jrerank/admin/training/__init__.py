"""`train`: fine-tune a reranker on pairs of one's own."""
