"""`bench`: one module per command."""
