"""Whatever callers have to share: nobody waits for all that another one asks."""
