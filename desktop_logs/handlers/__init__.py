"""What other programs import: handlers for Python's logging. Sending needs nothing outside the standard library."""
