"""`python -m jobkit`: the same as the command `jobkit`."""

import sys

from jobkit.cli import main

sys.exit(main())
