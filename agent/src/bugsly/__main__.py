"""`python -m bugsly`, for an environment whose scripts are not on PATH."""

import sys

from bugsly.cli import main

sys.exit(main())
