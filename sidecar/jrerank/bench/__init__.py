"""Is it better, is it fast, does it hold: what `jrerank-admin bench` measures, and its reports."""
