"""Run the command line as `python -m sync`."""

import sys

from sync.cli import main

sys.exit(main())
