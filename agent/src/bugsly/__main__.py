"""`python -m bugsly`, for an environment whose scripts are not on PATH."""

import sys

from bugsly.cli import main

if __name__ == "__main__":
    sys.exit(main())
