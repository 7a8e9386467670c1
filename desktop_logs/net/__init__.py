"""What travels: the hub's server and the client of a remote one. Knows core, socketio and aiohttp; no Qt, no files."""
