"""`python -m b25` is the command line."""

import sys

from b25.cli import main

sys.exit(main())
