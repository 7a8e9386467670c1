"""What is kept on disk: rotating files, and the history. Knows core and the file system; no Qt, no sockets."""
