"""Other runtimes on the same pairs, where they are installed. The only part of the product that imports sentence-transformers."""
