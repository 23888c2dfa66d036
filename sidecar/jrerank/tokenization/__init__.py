"""Text -> windows of token ids. Pure: no thread and no clock; every call reads a bounded slice of text."""
