"""`demo`: search, rerank and measure on a corpus that ships, with nothing to set up."""
