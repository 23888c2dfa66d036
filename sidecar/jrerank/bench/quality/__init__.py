"""`bench quality`: systems side by side on the same queries and hit lists."""
