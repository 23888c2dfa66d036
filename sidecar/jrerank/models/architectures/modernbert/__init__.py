"""ModernBERT: Warner et al., "Smarter, Better, Faster, Longer" (2024), as transformers implements it."""
