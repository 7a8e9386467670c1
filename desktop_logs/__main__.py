"""`python -m desktop_logs` is `desktop-logs`."""

import sys

from desktop_logs.cli import main

sys.exit(main())
