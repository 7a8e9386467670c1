"""What a log record is and how records are kept, selected and encoded. No Qt, no sockets, no files, no clock here."""
