"""`python -m customevents`."""

from customevents.cli import main

main()
