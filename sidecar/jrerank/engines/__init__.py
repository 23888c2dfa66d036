"""Windows in, logits out."""
