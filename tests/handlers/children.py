"""What a child of multiprocessing runs: found by its name, however the child is started."""

from __future__ import annotations

import logging

from desktop_logs.handlers.sending import DesktopLogsHandler


def log_one(url: str) -> None:
    """Log one record to *url*, by the handler that a forked child has already, or by one of its own."""
    logger = logging.getLogger("shop")
    logger.setLevel(logging.DEBUG)
    if not logger.handlers:
        logger.addHandler(DesktopLogsHandler(url))
    logger.info("child")
