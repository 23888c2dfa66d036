"""JSON from others: bounded in depth and memory, and read without holding up anybody."""
