"""One form of report for everything that is measured: as JSON, as tables, as one HTML file, and compared with an older one."""
