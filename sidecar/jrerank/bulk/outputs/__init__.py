"""Where rows go to: JSONL, or Parquet. What is there says how far a run has come."""
