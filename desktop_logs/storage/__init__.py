"""What is kept on disk: rotating files. Knows core and the file system; no Qt, no sockets."""
