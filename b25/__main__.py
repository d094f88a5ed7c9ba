"""`python -m b25` is the command line."""

import sys

from b25.cli import main
from b25.observe.redaction import redact_tracebacks

redact_tracebacks()
sys.exit(main())
