"""`python -m jrerank.admin` is `jrerank-admin`."""

from jrerank.admin.app import main

main()
