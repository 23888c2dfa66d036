"""`bench speed`: engines, precisions, graphs and peers in turn, on the same pairs, in one run."""
