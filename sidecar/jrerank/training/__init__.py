"""Fine-tunes cross-encoders on question-passage pairs; the only package that imports torch and transformers to train."""
