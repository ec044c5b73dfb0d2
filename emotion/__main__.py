"""`python -m emotion`: the command line."""

from emotion.cli import main

raise SystemExit(main())
