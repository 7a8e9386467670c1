"""The command line: what may be typed, and which room does it. Imports nothing heavy before it is needed."""

from __future__ import annotations

import argparse
import faulthandler
import os
import re
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from desktop_logs import __version__, helptexts
from desktop_logs.core.addresses import DEFAULT_PATH, DEFAULT_PORT, HUB_HOST, LOCAL_URL, ServerAddress, normal_path
from desktop_logs.core.connecting import Target
from desktop_logs.core.errors import DesktopLogsError, QueryError, UserError
from desktop_logs.core.export import FORMATS
from desktop_logs.core.levels import BANDS, parse_threshold
from desktop_logs.core.opening import Opening, file_named, is_link, parse_link
from desktop_logs.huboptions import access_options, add_access, add_data_dir, add_port_and_data_dir, asked_of_hub
from desktop_logs.serveroptions import add_server, add_token, target_of, token_of_environment
from desktop_logs.terminal import (
    complain,
    complain_of_query,
    escape_what_cannot_be_written,
    let_go_of_output,
    native_faults_to_stderr,
    write_out,
)

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what *arguments* (the process's own without) ask for; the exit code."""
    typed = list(sys.argv[1:] if arguments is None else arguments)
    escape_what_cannot_be_written()
    if not faulthandler.is_enabled():  # by PYTHONFAULTHANDLER, say
        native_faults_to_stderr()
    try:
        command, rest = _split(typed)
        return _COMMANDS[command](rest)
    except DesktopLogsError as error:
        complain(f"{type(error).__name__}: {error}")
        return USAGE_ERROR
    except BrokenPipeError:
        return 0  # who read our output has what it wanted
    except OSError as failure:
        # What may be expected to fail has its own sentence where it is done; a traceback would help nobody here.
        what = f"{failure.filename}: " if failure.filename else ""
        complain(f"The system refused something: {what}{failure.strerror or failure}. Mend that and try again.")
        return USAGE_ERROR
    except KeyboardInterrupt:
        return 130
    finally:
        let_go_of_output()


def _split(typed: list[str]) -> tuple[str, list[str]]:
    """The command, and the arguments without it. Options of the window may not stand before a command."""
    if typed and typed[0] in _COMMANDS:
        return typed[0], typed[1:]
    if typed and re.fullmatch(r"\w+", typed[0]) and not Path(typed[0]).exists():
        raise UserError(
            f"{typed[0]!r} is not a command. Commands: {', '.join(filter(None, _COMMANDS))}; none opens the window."
        )
    return "", typed


def _window(typed: list[str]) -> int:
    parser = _parser("desktop-logs", helptexts.WINDOW_HELP, helptexts.WINDOW_END)
    parser.add_argument("items", nargs="*", metavar="FILE or LINK", help="log files, or desktop-logs://connect?url=…")
    parser.add_argument("--version", action="version", version=f"desktop-logs {__version__}")
    parser.add_argument("--new-window", action="store_true", help="a further window of the program that runs already")
    parser.add_argument("--connect", metavar="URL", help="open a tab on this Socket.IO server as well")
    parser.add_argument(
        "--path",
        default=None,
        metavar="P",
        help=f"the Socket.IO path: of the server named by --connect; without it, one more path for the hub beside "
        f"{DEFAULT_PATH}",
    )
    add_port_and_data_dir(parser)
    add_access(parser)
    # What was not typed is told from what was typed and is usual: a hub that runs already need not follow it.
    parser.set_defaults(port=None, host=None)
    options = parser.parse_args(typed)
    from desktop_logs.display import missing_display
    from desktop_logs.folders import data_dir
    from desktop_logs.oneinstance import activation_token, run_or_hand_over

    remote = ServerAddress.parse(options.connect, options.path or "") if options.connect is not None else None
    server = Target(remote, token_of_environment()) if remote is not None else None
    opening = _opening(server, options.items)
    hub_path = normal_path(options.path) if options.path and not remote else ""
    folder = data_dir(options.data_dir)
    asked = asked_of_hub(options, hub_path)
    options.port = DEFAULT_PORT if options.port is None else options.port
    options.host = HUB_HOST if options.host is None else options.host
    hub_path = hub_path or DEFAULT_PATH
    if problem := missing_display():
        return _without_window(problem, opening, options, hub_path, folder)
    # Until the window hears of it, Ctrl+C ends the program at once. Python's KeyboardInterrupt would be lost where Qt
    # calls Python, or make half an import of one.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from desktop_logs.core.handover import Handover

    def run(meeting: str) -> int:
        from desktop_logs.admission import admit
        from desktop_logs.app import WindowOptions, run_window
        from desktop_logs.openfiles import allow_many

        allow_many()
        admission = admit(access_options(options), folder)
        for warning in admission.warnings:
            complain(warning)
        return run_window(WindowOptions(options.port, hub_path, folder, opening, admission, asked, meeting))

    all_well = _check_links(opening.links)
    ended = run_or_hand_over(folder, Handover(opening, options.new_window, activation_token(), asked), run)
    return ended if all_well else ended or USAGE_ERROR


def _without_window(problem: str, opening: Opening, options: argparse.Namespace, hub_path: str, folder: Path) -> int:
    """What a terminal can do of it, said with the *problem* that keeps the window from opening."""
    if opening.files:
        instead = f"less +F {shlex.quote(opening.files[0])}"
        raise UserError(f"{problem} A log file is shown in a window only; without one, use {instead}")
    if opening.links:
        address = parse_link(opening.links[0]).address
        url = address.url + (address.path if address.path != DEFAULT_PATH else "")
        raise UserError(
            f"{problem} A link is opened in a window only; without one, use desktop-logs tail {shlex.quote(url)}"
        )
    if opening.server is not None:
        complain(f"{problem} The log of {opening.server.address.host} is printed here instead; Ctrl+C ends it.")
        from desktop_logs.tail import TailOptions, tail

        return tail(TailOptions(opening.server, 500, as_json=False, follow=True))
    complain(f"{problem} The hub runs in this terminal instead; Ctrl+C ends it.")
    from desktop_logs.serve import ServeOptions, serve

    printed = {"console": True, "console_level": "trace"}
    return serve(ServeOptions(options.port, hub_path, folder, printed, access_options(options)))


def _check_links(links: Sequence[str]) -> bool:
    """Say here, too, what is wrong with any of *links*: the window tells who has clicked it. False when one is."""
    all_well = True
    for link in links:
        try:
            parse_link(link)
        except UserError as wrong:
            complain(str(wrong))
            all_well = False
    return all_well


def _opening(server: Target | None, items: Sequence[str]) -> Opening:
    """What *items*, links and files, and *server* ask for. Raises UserError for a file that cannot be, and
    for a command behind options."""
    if command := next((item for item in items if item in _COMMANDS and not Path(item).exists()), ""):
        raise UserError(
            f"{command!r} is a command, and commands stand first: desktop-logs {command} …. If a file is meant, write "
            f"./{command}."
        )
    links = tuple(item for item in items if is_link(item))
    # This process knows its folder; the window that opens them may have another.
    files = tuple(os.path.abspath(file_named(item)) for item in items if not is_link(item))
    return Opening(server, links, files)


def _serve(typed: list[str]) -> int:
    parser = _parser("desktop-logs serve", helptexts.SERVE_HELP)
    parser.add_argument(
        "--path", default=DEFAULT_PATH, metavar="P", help=f"one more Socket.IO path beside {DEFAULT_PATH}"
    )
    add_port_and_data_dir(parser)
    add_access(parser)
    group = parser.add_argument_group("what is written where")
    group.add_argument("--console", action="store_true", default=None, help="print records as they come")
    group.add_argument("--console-level", type=_level, metavar="L", help="the lowest level printed (info)")
    group.add_argument("--no-files", action="store_false", dest="files", default=None, help="write no log files")
    group.add_argument("--file-level", type=_level, metavar="L", help="the lowest level in application-….log (info)")
    group.add_argument("--error-level", type=_level, metavar="L", help="the lowest level in errors-….log (error)")
    group.add_argument("--max-file-bytes", type=int, metavar="N", help="a file is numbered on past this (20000000)")
    group.add_argument("--max-age-days", type=int, metavar="N", help="older files are deleted (30)")
    group.add_argument(
        "--max-total-bytes", type=int, metavar="N", help="the oldest files are deleted past this (2000000000)"
    )
    group.add_argument(
        "--no-history", action="store_false", dest="history", default=None, help="keep no searchable history"
    )
    group.add_argument("--history-max-age-days", type=int, metavar="N", help="older days are deleted from it (30)")
    group.add_argument(
        "--history-max-bytes", type=int, metavar="N", help="the oldest days are deleted from it past this (5000000000)"
    )
    group.add_argument(
        "--min-free-bytes", type=int, metavar="N", help="store nothing while the disk has less room (500000000)"
    )
    options = parser.parse_args(typed)
    from desktop_logs.folders import data_dir
    from desktop_logs.serve import ServeOptions, serve

    named = (
        "console", "console_level", "files", "file_level", "error_level", "max_file_bytes", "max_age_days",
        "max_total_bytes", "history", "history_max_age_days", "history_max_bytes", "min_free_bytes",
    )  # fmt: skip
    overrides: dict[str, Any] = {name: value for name in named if (value := getattr(options, name)) is not None}
    folder, access = data_dir(options.data_dir), access_options(options)
    return serve(ServeOptions(options.port, normal_path(options.path), folder, overrides, access))


def _tail(typed: list[str]) -> int:
    parser = _parser("desktop-logs tail", helptexts.TAIL_HELP, helptexts.TAIL_END)
    add_server(parser)
    parser.add_argument("--path", default="", metavar="P", help=f"the server's Socket.IO path ({DEFAULT_PATH})")
    parser.add_argument("--query", default="", metavar="Q", help="which records, as in the window's query bar (all)")
    parser.add_argument("--level", type=_level, default="trace", metavar="L", help="the lowest level printed (trace)")
    parser.add_argument(
        "--lines", "-n", type=_count, default=500, metavar="N", help="how many held records to begin with (500)"
    )
    parser.add_argument("--json", action="store_true", help="print entries as JSON lines")
    parser.add_argument("--no-follow", action="store_false", dest="follow", help="end after the records held")
    options = parser.parse_args(typed)
    from desktop_logs.tail import TailOptions, combined, tail

    target = target_of(options, options.url, options.path)
    try:
        query = combined(options.query, parse_threshold(options.level))
    except QueryError as wrong:
        complain_of_query(options.query, wrong)
        return USAGE_ERROR
    return tail(TailOptions(replace(target, query=query), options.lines, options.json, options.follow))


def _send(typed: list[str]) -> int:
    parser = _parser("desktop-logs send", helptexts.SEND_HELP, helptexts.SEND_END)
    parser.add_argument("words", nargs="*", metavar="URL or MESSAGE", help=f"the hub ({LOCAL_URL}), and the message")
    add_token(parser)
    parser.add_argument("--source", default="", metavar="S", help="where the entries come from")
    parser.add_argument("--level", default="", metavar="L", help="the level of entries that have none (info)")
    options = parser.parse_intermixed_args(typed)
    words: list[str] = options.words
    has_url = bool(words) and words[0].startswith(("http://", "https://"))
    url = words.pop(0) if has_url else LOCAL_URL
    message = " ".join(words)
    if not message and (sys.stdin is None or sys.stdin.isatty()):
        raise UserError("Nothing to send. Give a message, or pipe lines in: my-server | desktop-logs send")
    from desktop_logs.send import SendOptions, send

    return send(SendOptions(target_of(options, url), options.source, options.level, message))


def _search(typed: list[str]) -> int:
    parser = _parser("desktop-logs search", helptexts.SEARCH_HELP, helptexts.SEARCH_END)
    parser.add_argument("words", nargs="*", metavar="QUERY", help="what is looked for")
    _add_range(parser)
    parser.add_argument("--level", type=_level, default="trace", metavar="L", help="the lowest level printed (trace)")
    parser.add_argument(
        "--limit", "-n", type=_count, default=200, metavar="N", help="how many of the newest; 0 for all (200)"
    )
    parser.add_argument("--json", action="store_true", help="print entries as JSON lines, with their number `seq`")
    # By hand: argparse loses the mark where options and words may be mixed.
    options_end = typed.index("--") if "--" in typed else len(typed)
    options = parser.parse_intermixed_args(typed[:options_end])
    words = [*options.words, *typed[options_end + 1 :]]
    from desktop_logs.archive import Wanted
    from desktop_logs.folders import data_dir
    from desktop_logs.search import SearchOptions, search

    wanted = Wanted(" ".join(words), options.since, options.until, parse_threshold(options.level))
    return search(SearchOptions(data_dir(options.data_dir), wanted, options.limit, options.json))


def _export(typed: list[str]) -> int:
    parser = _parser("desktop-logs export", helptexts.EXPORT_HELP, helptexts.EXPORT_END)
    parser.add_argument("out", metavar="OUT", help="the file; - for stdout")
    parser.add_argument("--query", default="", metavar="Q", help="which records, as in the window's query bar (all)")
    _add_range(parser)
    parser.add_argument("--format", choices=tuple(FORMATS), default="", help="how they are written (by OUT's ending)")
    parser.add_argument("--force", action="store_true", help="replace OUT when it is there already")
    options = parser.parse_args(typed)
    from desktop_logs.archive import Wanted
    from desktop_logs.exporting import STDOUT, ExportOptions, export, format_of
    from desktop_logs.folders import data_dir

    wanted = Wanted(options.query, options.since, options.until)
    target = None if options.out == STDOUT else Path(options.out)
    form = format_of(options.format, options.out)
    return export(ExportOptions(data_dir(options.data_dir), wanted, target, form, options.force))


def _stats(typed: list[str]) -> int:
    parser = _parser("desktop-logs stats", helptexts.STATS_HELP)
    add_server(parser)
    parser.add_argument("--json", action="store_true", help="print the counters as one JSON object")
    options = parser.parse_args(typed)
    import json

    from desktop_logs.hubcalls import HubClient

    hub = HubClient(target_of(options, options.url))
    try:
        counters = hub.stats()
    finally:
        hub.close()
    if options.json:
        write_out(json.dumps(counters) + "\n")
    else:
        width = max(map(len, counters))
        write_out("".join(f"{name:<{width}}  {value:>14,}\n" for name, value in counters.items()))
    return 0


def _tokens(typed: list[str]) -> int:
    parser = _parser("desktop-logs tokens", helptexts.TOKENS_HELP, helptexts.TOKENS_END)
    parser.add_argument("--new", action="store_true", help="make new ones; the old ones are good no more")
    add_data_dir(parser)
    options = parser.parse_args(typed)
    from desktop_logs.folders import data_dir
    from desktop_logs.tokens import TokensOptions, tokens

    return tokens(TokensOptions(data_dir(options.data_dir), options.new))


def _install_desktop(typed: list[str]) -> int:
    parser = _parser("desktop-logs install-desktop", helptexts.INSTALL_DESKTOP_HELP, helptexts.INSTALL_DESKTOP_END)
    parser.add_argument("--remove", action="store_true", help="take it all out again")
    options = parser.parse_args(typed)
    from desktop_logs.desktopinstall import install_desktop

    return install_desktop(options.remove)


_COMMANDS = {
    "": _window,
    "serve": _serve,
    "tail": _tail,
    "send": _send,
    "search": _search,
    "export": _export,
    "stats": _stats,
    "tokens": _tokens,
    "install-desktop": _install_desktop,
}


def _parser(name: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=name,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _add_range(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", default="", metavar="TIME", help="only records from then on")
    parser.add_argument("--until", default="", metavar="TIME", help="only records before")
    add_data_dir(parser)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def _level(text: str) -> str:
    try:
        parse_threshold(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a level: {', '.join(BANDS)}") from None
    return text
