"""Where the bundle starts: the same program that `pip install` puts on the path as desktop-logs."""

from __future__ import annotations

import sys

from desktop_logs.cli import main

if __name__ == "__main__":
    sys.exit(main())
