"""What a person sees: the window and all in it. Knows core, PySide6 and qasync; no sockets, no log files."""
