"""The kinds of cross-encoders: what of a checkpoint depends on its architecture."""
