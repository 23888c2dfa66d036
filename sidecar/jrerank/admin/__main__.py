"""`python -m jrerank.admin` is `jrerank-admin`."""

from jrerank.admin.entry import main

main()
