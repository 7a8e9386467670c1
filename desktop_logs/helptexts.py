"""What each command says of itself under --help. Text only: what may be typed is the command line's."""

from __future__ import annotations

from desktop_logs.core.addresses import LOCAL_URL

WINDOW_HELP = f"""\
One window for the live logs of everything you run.

Without a command a window opens with a log hub inside: programs send their logs to
{LOCAL_URL}, they appear at once, are written to rotating files and can be
searched. Without a display the same hub runs in the terminal.

There is one such program for a data folder. While it runs, starting it again
brings its window to the front, opens there what was asked for, and ends;
--new-window opens a further window on the same hub. Options of the hub (--port,
--host and so on) are those of the first start. Exit code 0: that is done,
1: the program that runs does not answer, 2: it cannot be done."""

WINDOW_END = """\
commands:
  serve               the hub without a window
  tail [URL]          print a hub's or a Socket.IO server's log as it comes
  send [URL] [TEXT]   send a message, or lines from stdin
  search QUERY        print what the history of this machine's hub holds
  export OUT          the same into a file: JSON lines, CSV, text or HTML
  stats [URL]         a hub's counters
  tokens              what viewers and producers on other machines must show
  install-desktop     put the program into the menu of this desktop (Linux)
  `desktop-logs COMMAND --help` tells more of each.

examples:
  desktop-logs
  desktop-logs app.log other.jsonl
  desktop-logs --connect http://localhost:3000 --path /llamaproxws
  desktop-logs 'desktop-logs://connect?url=http://localhost:3000&query=level:error'
  desktop-logs --port 5700 --data-dir ~/logs-of-project-x"""

SERVE_HELP = """\
Run the hub without a window. It prints `listening on …` when programs can send to it, writes the rotating files,
and stops cleanly on SIGINT (Ctrl+C) and SIGTERM. Options left out come from settings.json in the data folder,
which SIGHUP reads again."""

TAIL_HELP = """\
Print a server's log: first the newest records that it holds, then each new one as it comes. The server is a Desktop
Logs hub, or any Socket.IO server that speaks `log`, `logs` and `requestLogs`. A lost connection is made again."""

TAIL_END = """\
examples:
  desktop-logs tail --level warn
  desktop-logs tail http://localhost:3000 --path /llamaproxws
  DESKTOP_LOGS_TOKEN=… desktop-logs tail https://logs.example --query 'source:api timeout'
  desktop-logs tail --lines 500 --no-follow --json > last-500.jsonl"""

SEND_HELP = """\
Send one message to a hub, or each line of stdin as an entry when there is no message. A line that is a JSON object
({"level":"warn","message":"…"}) is taken as the entry itself. The first argument is the hub's URL when it begins with
http:// or https://. Ends when everything is stored; lines wait while the hub's disk is full. Exit code 1: the hub
refused an entry."""

SEND_END = """\
examples:
  desktop-logs send "deployed 4.2.1" --source release
  my-server 2>&1 | desktop-logs send --source my-server
  desktop-logs send http://127.0.0.1:5700 --level error "disk is full\""""

TIMES = """\
times:
  2h, 90s, 1h30m back from now; 10:30 of today; today, yesterday; 2026-11-20, 2026-11-20T10:30:00Z; without an offset
  they are local"""

SEARCH_HELP = """\
Print the newest records of the history that a query selects, the newest last, as tail does. The history of the data
folder is read, whether its hub runs or not. QUERY is what the window's query bar takes, and its words may be several
arguments; without it every record is meant. Exit code 0: found, 1: nothing found, 2: it did not work, or not all of the
history could be read."""

SEARCH_END = f"""\
{TIMES}

examples:
  desktop-logs search timeout --since 2h
  desktop-logs search --level error --since yesterday --limit 0
  desktop-logs search 'source:api "connection refused"' --json
  desktop-logs search --since today -- timeout -level:debug   (-- goes before words that begin with -)"""

EXPORT_HELP = """\
Write the records of the history into a file, oldest first: all of them up to now, or those that a query selects. The
history of the data folder is read, whether its hub runs or not. The file is there when it is complete; an export that
is interrupted leaves none."""

EXPORT_END = f"""\
{TIMES}

examples:
  desktop-logs export everything.jsonl
  desktop-logs export errors.html --query level:error --since 2026-11-20
  desktop-logs export - --since 1h | gzip > last-hour.jsonl.gz"""

TOKENS_HELP = """\
Print the viewer token and the producer token of this machine's hub; they are made when there are none yet. A hub that
other machines can reach (--host) asks for them: the viewer token reads, the producer token sends and reads nothing.
Pages in a browser that --allow-origin lets in need them too; programs on this machine do not. They are kept in
tokens.json in the data folder, readable for you alone."""

TOKENS_END = """\
examples:
  desktop-logs tokens
  desktop-logs tokens --new          (the old ones are good no more)
  desktop-logs tail http://loghost:5647 --token VIEWER-TOKEN"""

INSTALL_DESKTOP_HELP = """\
Put this program into the menu of your Linux desktop: its entry and its icons, and that it opens *.log, *.jsonl and
*.ndjson files and desktop-logs:// links. Everything goes into your own folders, $XDG_DATA_HOME or ~/.local/share; no
other user sees it and no password is needed. Given again, it brings the entry up to date, as after the program was
moved."""

INSTALL_DESKTOP_END = """\
examples:
  desktop-logs install-desktop
  desktop-logs install-desktop --remove    (takes out exactly what it put there)"""

ACCESS_HELP = """\
Without --host only programs on this machine reach the hub, and need no token. On any other host viewers and producers
must show one (`desktop-logs tokens` prints them)."""

STATS_HELP = """\
Print a hub's counters: records received = stored + duplicate + rejected + dropped (and those queued for the disk),
viewers and producers, and the window's longest stall where the hub lives in a window."""
