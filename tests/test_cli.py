"""The command line as a person uses it: real processes, their output, their exit codes."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_logs import __version__
from tests.support.program import Program, eventually, free_port

Start = Callable[..., Program]
PROGRAM = [sys.executable, "-m", "desktop_logs"]


@pytest.fixture
def run(start: Start) -> Callable[..., Program]:
    """Run a command to its end."""

    def to_end(*arguments: str | Path, stdin: str = "") -> Program:
        program = start([*PROGRAM, *arguments])
        for line in stdin.splitlines():
            program.send(line)
        program.close_stdin()
        program.wait()
        return program

    return to_end


@pytest.fixture
def serve(start: Start, tmp_path: Path) -> Callable[..., tuple[Program, str]]:
    """A hub of its own process, and its URL."""

    def on_free_port(*arguments: str) -> tuple[Program, str]:
        program = start([*PROGRAM, "serve", "--port", "0", "--data-dir", tmp_path / "data", *arguments])
        return program, program.line_with("^listening on ").split()[-1]

    return on_free_port


def lines(folder: Path, stem: str) -> list[str]:
    (path,) = folder.glob(f"data/logs/{stem}-*.log")
    return [json.loads(line)["message"] for line in path.read_text().splitlines()]


def test_the_version(run: Callable[..., Program]) -> None:
    assert run("--version").stdout == [f"desktop-logs {__version__}"]


@pytest.mark.parametrize(
    "command",
    [[], ["serve"], ["tail"], ["send"], ["search"], ["export"], ["stats"], ["tokens"], ["install-desktop"]],
)
def test_help_is_worth_reading(run: Callable[..., Program], command: list[str]) -> None:
    program = run(*command, "--help")
    text = "\n".join(program.stdout)
    assert program.wait() == 0
    assert len(text) > 400
    assert max(map(len, program.stdout)) <= 120
    assert "None" not in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_says_where_it_listens_and_stops_cleanly(
    serve: Callable[..., tuple[Program, str]], number: signal.Signals
) -> None:
    program, url = serve()
    assert url.startswith("http://127.0.0.1:")
    program.signal(number)
    assert program.wait() == 0
    assert program.stderr == []


def test_what_is_sent_is_on_disk_shown_and_counted(
    serve: Callable[..., tuple[Program, str]], run: Callable[..., Program], tmp_path: Path
) -> None:
    _, url = serve()
    assert run("send", url, "--level", "error", "--source", "test", "disk", "is", "full").wait() == 0
    assert run("send", url, stdin='plain\n\n{"level":"debug","message":"as it stands"}\n{"half').wait() == 0
    assert lines(tmp_path, "errors") == ["disk is full"]
    assert lines(tmp_path, "application") == ["disk is full", "plain", '{"half']
    shown = run("tail", url, "--no-follow").stdout
    assert [line.split(maxsplit=3)[2:] for line in shown] == [
        ["ERROR", "test  disk is full"],
        ["INFO", "-  plain"],
        ["DEBUG", "-  as it stands"],
        ["INFO", '-  {"half'],
    ]
    assert len(run("tail", url, "--no-follow", "--level", "info", "--lines", "2").stdout) == 2
    assert [json.loads(line)["message"] for line in run("tail", url, "--no-follow", "--json", "-n", "1").stdout] == [
        '{"half'
    ]
    stats = json.loads(run("stats", url, "--json").stdout[0])
    assert (stats["received"], stats["stored"], stats["ring_size"]) == (4, 4, 4)
    assert any(line.split() == ["received", "4"] for line in run("stats", url).stdout)


def test_tail_follows_over_a_restart_of_the_hub(start: Start, run: Callable[..., Program], tmp_path: Path) -> None:
    port = free_port()
    command = [*PROGRAM, "serve", "--port", str(port), "--data-dir", tmp_path / "data"]
    url = f"http://127.0.0.1:{port}"
    hub = start(command)
    hub.line_with("^listening")
    tail = start([*PROGRAM, "tail", url])
    run("send", url, "first")
    tail.line_with("first")
    hub.end()
    tail.error_with("Trying again")
    start(command).line_with("^listening")
    tail.error_with("connected to .* again", 30)
    run("send", url, "second")
    tail.line_with("second")
    tail.signal(signal.SIGINT)
    assert tail.wait() == 0
    assert sum("first" in line for line in tail.stdout) == 1


def test_lines_of_a_pipe_arrive_while_it_is_open(serve: Callable[..., tuple[Program, str]], start: Start) -> None:
    _, url = serve()
    tail = start([*PROGRAM, "tail", url])
    send = start([*PROGRAM, "send", url, "--source", "pipe"])
    for word in ("one", "two"):
        send.send(word)
        tail.line_with(f"pipe  {word}")
    assert send.is_running


def test_serve_prints_records_when_asked(
    serve: Callable[..., tuple[Program, str]], run: Callable[..., Program]
) -> None:
    program, url = serve("--console", "--console-level", "warn", "--no-files")
    run("send", url, "quiet")
    run("send", url, "--level", "warn", "loud \x1b[31mred")
    assert program.line_with("WARN").endswith("loud ⟨ESC⟩[31mred")
    assert not any("quiet" in line for line in program.stdout)
    program.signal(signal.SIGTERM)
    assert program.wait() == 0


def test_settings_are_read_and_read_again_on_sighup(
    serve: Callable[..., tuple[Program, str]], run: Callable[..., Program], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    settings = tmp_path / "data" / "settings.json"
    settings.write_text('{"file_level":"error"}')
    program, url = serve("--console")
    run("send", url, "too low")
    settings.write_text('{"file_level":"debug"}')
    program.signal(signal.SIGHUP)
    run("send", url, "high enough now")
    assert eventually("it is written", lambda: lines(tmp_path, "application")) == ["high enough now"]
    settings.write_text('{"file_level":"loud"}')
    program.signal(signal.SIGHUP)
    assert "'loud' is not a level" in program.error_with("stay as they were")


def test_without_a_display_the_hub_runs_in_the_terminal_and_prints(
    start: Start, run: Callable[..., Program], tmp_path: Path
) -> None:
    program = start(
        [*PROGRAM, "--port", "0", "--data-dir", tmp_path / "data"], env={"QT_QPA_PLATFORM": ""}
    )  # fmt: skip
    assert "There is no display. The hub runs in this terminal instead" in program.error_with("display")
    url = program.line_with("^listening on ").split()[-1]
    run("send", url, "--level", "trace", "hello")
    program.line_with("TRACE .*hello")
    program.signal(signal.SIGINT)
    assert program.wait() == 0
    assert len(program.stderr) == 1


def test_without_a_display_a_remote_log_is_printed(
    serve: Callable[..., tuple[Program, str]], start: Start, run: Callable[..., Program]
) -> None:
    _, url = serve()
    run("send", url, "hello")
    program = start([*PROGRAM, "--connect", url], env={"QT_QPA_PLATFORM": ""})
    program.line_with("hello")
    program.signal(signal.SIGINT)
    assert program.wait() == 0


@pytest.mark.parametrize(
    ("item", "instead"),
    [
        ("app.log", "A log file is shown in a window only; without one, use less +F {folder}/app.log"),
        ("a b.log", "A log file is shown in a window only; without one, use less +F '{folder}/a b.log'"),
        (
            "desktop-logs://connect?url=http://loghost:3000&path=/llamaproxws",
            "A link is opened in a window only; without one, use desktop-logs tail http://loghost:3000/llamaproxws",
        ),
    ],
)
def test_without_a_display_a_file_or_a_link_is_not_opened_and_it_is_said_what_shows_it(
    start: Start, tmp_path: Path, item: str, instead: str
) -> None:
    program = start([*PROGRAM, item], env={"QT_QPA_PLATFORM": ""}, cwd=tmp_path)
    said = program.error_with("without one")
    assert said == f"desktop-logs: UserError: There is no display. {instead.format(folder=tmp_path)}"
    assert program.wait() == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tail", "ftp://host"], "UserError: 'ftp://host' begins with ftp://"),
        (["tail", "http://127.0.0.1:1"], "ConnectError: Nothing listens on 127.0.0.1:1. Is the server running"),
        (["send", "http://127.0.0.1:1", "x"], "ConnectError: Nothing listens on 127.0.0.1:1. Start the hub with"),
        (["stats", "http://127.0.0.1:1"], "ConnectError: Nothing listens on"),
        (["stats", "http://nosuch.invalid:1"], "ConnectError: The name nosuch.invalid:1 cannot be found."),
        (["fly"], "UserError: 'fly' is not a command"),
        (["--port", "5700", "serve"], "UserError: 'serve' is a command, and commands stand first: desktop-logs serve"),
        (["serve", "--port", "70000"], "'70000' is not a port"),
        (["serve", "--file-level", "loud"], "'loud' is not a level"),
        (
            ["serve", "--history-max-bytes", "5"],
            "SettingsError: history_max_bytes must be a whole number from 1,000,000",
        ),
        (["search", "--limit", "x"], "'x' is not a whole number"),
        (["export"], "the following arguments are required: OUT"),
        (["serve", "--max-age-days", "0"], "SettingsError: max_age_days must be a whole number from 1"),
        (["serve", "--path", "a?b"], "UserError: The path 'a?b' cannot be used"),
        (["serve", "--data-dir", "/proc/nowhere"], "StorageError: Cannot use /proc/nowhere as the data folder"),
        (["--connect", "http://host:x"], "UserError: The port in"),
        (["--connect", ""], "UserError: Type the server's URL"),
        (["stats", "http://127.0.0.1:0"], "UserError: The port in"),
        (["tail", "--lines", "-1"], "is not a whole number"),
        (["serve", "--host", "0.0.0.0"], "UserError: A hub on 0.0.0.0 is open to the network"),
        (["serve", "--host", "loghost"], "Make them with: desktop-logs tokens --data-dir"),
        (["serve", "--host", "http://loghost:5647"], "is no address of a machine"),
        (["serve", "--allow-origin", "localhost"], "'localhost' is not the origin of a page"),
        (["serve", "--viewer-token", "short"], "A token needs at least 16 characters"),
        (["serve", "--viewer-token", "x" * 16, "--producer-token", "x" * 16], "must differ"),
        (["serve", "--tls-key", "hub.key"], "--tls-key is of no use without --tls-cert"),
        (["serve", "--tls-cert", "/nowhere/hub.pem"], "--tls-cert /nowhere/hub.pem: No such file or directory"),
        (["tokens", "--data-dir", "/proc/nowhere"], "StorageError: Cannot keep the tokens in /proc/nowhere"),
    ],
)
def test_bad_input_is_a_sentence_on_stderr_and_exit_code_2(
    run: Callable[..., Program], arguments: list[str], sentence: str
) -> None:
    program = run(*arguments)
    assert program.wait() == 2
    told = "\n".join(program.stderr)
    assert sentence in told
    assert "Traceback" not in told


def test_a_taken_port_is_told_with_who_has_it(
    serve: Callable[..., tuple[Program, str]], run: Callable[..., Program], tmp_path: Path
) -> None:
    _, url = serve()
    port = int(url.rpartition(":")[2])
    program = run("serve", "--port", str(port), "--data-dir", tmp_path / "other")
    assert program.wait() == 2
    assert program.stderr == [
        f"desktop-logs: ListenError: port {port} is in use by another Desktop Logs (desktop-logs {__version__}). "
        f"Connect to it, or choose another port with --port {port + 1}."
    ]


def test_a_settings_file_that_is_none_is_told(run: Callable[..., Program], tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{oops")
    program = run("serve", "--port", "0", "--data-dir", tmp_path)
    assert program.wait() == 2
    assert "is not JSON" in program.stderr[0]
    assert "defaults" not in program.stderr[0]


def test_an_entry_that_is_refused_is_told_and_the_rest_is_sent(
    serve: Callable[..., tuple[Program, str]], run: Callable[..., Program], tmp_path: Path
) -> None:
    hub, url = serve()
    program = run("send", url, stdin='good\n{"level":"info"}\nalso good')
    assert program.wait() == 1
    assert program.stderr[0].startswith("desktop-logs: line 2 was refused: an entry needs a message")
    assert lines(tmp_path, "application") == ["good", "also good"]
    assert "An entry was refused: an entry needs a message" in hub.error_with("was refused")


def test_a_reader_that_leaves_ends_tail_without_a_word(
    serve: Callable[..., tuple[Program, str]], start: Start, run: Callable[..., Program]
) -> None:
    _, url = serve()
    run("send", url, stdin="\n".join(f"line {number}" for number in range(400)))
    command = " ".join([*PROGRAM, "tail", url, "--no-follow"])
    program = start(["bash", "-c", f"{command} | head -n 1"])
    assert program.wait() == 0
    assert program.stderr == []


INTERRUPTED = """
import signal, sys, types
from desktop_logs.cli import main

def run_window(options):
    try:
        signal.raise_signal(signal.SIGINT)  # in the middle of what Qt calls, say
    except BaseException:
        pass
    print("went on")
    return 0

sys.modules["desktop_logs.app"] = types.SimpleNamespace(WindowOptions=lambda *options: None, run_window=run_window)
sys.exit(main(["--data-dir", sys.argv[1]]))
"""


def test_ctrl_c_while_the_window_opens_ends_the_program_without_a_word(start: Start, tmp_path: Path) -> None:
    program = start([sys.executable, "-c", INTERRUPTED, tmp_path], env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
    assert program.wait() == -signal.SIGINT
    assert program.stdout == []
    assert program.stderr == []


COUNTS_FROZEN = """
import gc, sys
import desktop_logs.serve
from desktop_logs.cli import main

def announce(text):
    print("walked over", len(gc.get_objects()), flush=True)

desktop_logs.serve.announce = announce
sys.exit(main(["serve", "--port", "0", "--data-dir", sys.argv[1]]))
"""


def test_the_collector_of_a_hub_does_not_walk_over_what_was_loaded(start: Start, tmp_path: Path) -> None:
    """46,000 objects, for which a full collection would hold its loop up for 20 to 40 ms."""
    program = start([sys.executable, "-c", COUNTS_FROZEN, tmp_path])
    assert int(program.line_with("^walked over").split()[-1]) < 10_000
    program.signal(signal.SIGTERM)
    assert program.wait() == 0


@pytest.mark.parametrize("output", [">/dev/full", "| true", ">&-"])
@pytest.mark.parametrize("command", [["serve"], []], ids=["serve", "window"])
def test_a_hub_goes_on_when_nobody_takes_its_output(
    start: Start, run: Callable[..., Program], tmp_path: Path, command: list[str], output: str
) -> None:
    port = free_port()
    typed = " ".join([*PROGRAM, *command, "--port", str(port), "--data-dir", str(tmp_path / "data")])
    # bash tells the exit code itself, for behind a pipe it would be that of `true`.
    line = f"{{ exec 3>&1; ({typed} & echo pid $! >&3; wait $!; echo ended with $? >&3) {output}; }}"
    program = start(["bash", "-c", line])
    pid = int(program.line_with("^pid ").split()[1])
    url = f"http://127.0.0.1:{port}"
    eventually("it listens", lambda: run("send", url, "hello").wait() == 0)
    os.kill(pid, signal.SIGTERM)
    assert program.line_with("^ended with ") == "ended with 0"
    assert lines(tmp_path, "application") == ["hello"]
    assert program.stderr == []


@pytest.mark.parametrize(("output", "sentence"), [(">/dev/full", "No space left on device"), (">&-", "is closed")])
def test_output_that_cannot_be_written_is_a_sentence_and_exit_code_2(
    serve: Callable[..., tuple[Program, str]], start: Start, run: Callable[..., Program], output: str, sentence: str
) -> None:
    _, url = serve()
    run("send", url, "hello")
    for command in (["stats", url], ["tail", url], ["tail", url, "--json"]):
        program = start(["bash", "-c", f"{' '.join([*PROGRAM, *command])} {output}"])
        assert program.wait() == 2
        (told,) = program.stderr
        assert told.startswith("desktop-logs: EnvironmentFault: stdout ")
        assert sentence in told


def test_what_the_output_cannot_encode_is_printed_escaped(
    serve: Callable[..., tuple[Program, str]], start: Start, run: Callable[..., Program]
) -> None:
    _, url = serve()
    run("send", url, "up → there")
    program = start([*PROGRAM, "tail", url, "--no-follow"], env={**os.environ, "PYTHONIOENCODING": "cp1252"})
    assert program.line().endswith("up \\u2192 there")
    assert program.wait() == 0


def test_nothing_to_send_is_told(start: Start) -> None:
    program = start(["bash", "-c", f"{' '.join(PROGRAM)} send <&-"])
    assert program.wait() == 2
    assert program.stderr[0].startswith("desktop-logs: UserError: Nothing to send.")


def test_a_line_that_nests_beyond_reason_is_a_message(
    serve: Callable[..., tuple[Program, str]], run: Callable[..., Program], tmp_path: Path
) -> None:
    _, url = serve()
    assert run("send", url, stdin='{"a":' * 100_000 + "\nshort").wait() == 0
    long, short = lines(tmp_path, "application")
    assert long.startswith('{"a":{"a":')
    assert short == "short"


def tokens_of(program: Program) -> dict[str, str]:
    return dict(line.split() for line in program.stdout)


def test_tokens_are_made_once_printed_and_made_anew(run: Callable[..., Program], tmp_path: Path) -> None:
    first, again = (run("tokens", "--data-dir", tmp_path / "data") for _ in range(2))
    assert set(tokens_of(first)) == {"viewer", "producer"}
    assert first.stdout == again.stdout
    assert first.stderr == []
    new = run("tokens", "--new", "--data-dir", tmp_path / "data")
    assert not set(tokens_of(new).values()) & set(tokens_of(first).values())
    assert "SIGHUP" in new.stderr[0]
    (tmp_path / "data" / "tokens.json").chmod(0o644)
    laid_open = run("tokens", "--data-dir", tmp_path / "data")
    assert laid_open.wait() == 2
    assert "chmod 600" in laid_open.stderr[0]


def test_a_hub_open_to_the_network_takes_what_shows_its_tokens_and_new_ones_on_sighup(
    serve: Callable[..., tuple[Program, str]], run: Callable[..., Program], tmp_path: Path
) -> None:
    old = tokens_of(run("tokens", "--data-dir", tmp_path / "data"))
    hub, url = serve("--host", "0.0.0.0")
    assert url.startswith("http://127.0.0.1:")
    assert "without TLS" in hub.error_with("without TLS")
    assert hub.line_with("on other machines http://")
    assert run("send", url, "refused").wait() != 0
    assert run("send", url, "sent", "--token", old["producer"]).wait() == 0
    assert run("stats", url).wait() != 0
    assert run("stats", url, "--token", old["viewer"]).wait() == 0
    new = tokens_of(run("tokens", "--new", "--data-dir", tmp_path / "data"))
    hub.signal(signal.SIGHUP)
    eventually("the new token is good", lambda: run("stats", url, "--token", new["viewer"]).wait() == 0)
    assert run("stats", url, "--token", old["viewer"]).wait() != 0
    hub.end()
    assert lines(tmp_path, "application") == ["sent"]


def test_a_hub_goes_on_with_who_may_when_the_tokens_are_spoiled_on_sighup(
    serve: Callable[..., tuple[Program, str]], run: Callable[..., Program], tmp_path: Path
) -> None:
    kept = tokens_of(run("tokens", "--data-dir", tmp_path / "data"))
    hub, url = serve("--host", "0.0.0.0")
    (tmp_path / "data" / "tokens.json").write_text("{oops")
    hub.signal(signal.SIGHUP)
    assert "is not JSON" in hub.error_with("Who may use the hub stays as it was")
    assert run("stats", url, "--token", kept["viewer"]).wait() == 0
