"""The same stages past one machine, on Ray Data; needs the extra `ray`."""
