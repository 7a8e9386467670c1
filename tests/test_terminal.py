"""Records in a terminal: nothing is obeyed, nothing waits for a terminal that is held."""

import errno
import faulthandler
import io
import sys
import threading

import pytest

from desktop_logs.core.errors import QueryError
from desktop_logs.core.records import Record
from desktop_logs.terminal import (
    Printer,
    ProgressLine,
    announce,
    complain,
    complain_of_query,
    line_of,
    native_faults_to_stderr,
    wants_color,
    write_out,
)

RECORD = Record(1, 1_795_341_600_123_000_000, 17, "error", "api", "\x1b[2Jgone")


class Held(io.StringIO):
    """A terminal whose reader has pressed Ctrl+S until `release` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()

    def write(self, text: str) -> int:
        self.release.wait(10)
        return super().write(text)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_level_alone_is_coloured() -> None:
    plain = line_of(RECORD, color=False)
    assert "\x1b" not in plain
    colored = line_of(RECORD, color=True)
    assert colored.count("\x1b") == 2
    assert "\x1b[31mERROR\x1b[0m" in colored
    assert colored.replace("\x1b[31m", "").replace("\x1b[0m", "") == plain


def test_no_colour_where_there_is_no_terminal() -> None:
    assert not wants_color(io.StringIO())


def test_no_colour_when_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("TERM", raising=False)
    assert wants_color(Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_color(Terminal())


def test_records_are_printed_in_order() -> None:
    out = io.StringIO()
    printer = Printer(out)
    printer.start()
    for number in range(5):
        printer.show([Record(number, 0, 9, "info", "", f"m{number}")])
    printer.close()
    assert [line.rsplit(maxsplit=1)[1] for line in out.getvalue().splitlines()] == [f"m{number}" for number in range(5)]


def test_a_held_terminal_holds_nobody_up_and_what_it_missed_is_told() -> None:
    out = Held()
    printer = Printer(out)
    printer.start()
    for number in range(500):
        printer.show([Record(number, 0, 9, "info", "", f"m{number}")])
    out.release.set()
    printer.close(5)
    printed = out.getvalue().splitlines()
    missed = [line for line in printed if "were not printed" in line]
    assert len(missed) == 1
    told = int(missed[0].strip("(").split(" ")[0])
    assert told + len(printed) - 1 == 500


def test_a_reader_that_has_left_ends_the_printing_only() -> None:
    out = io.StringIO()
    printer = Printer(out)
    printer.start()
    out.close()
    printer.show([RECORD])
    printer.show([RECORD])
    printer.close()


def test_a_program_without_a_terminal_prints_nothing() -> None:
    printer = Printer(None)
    printer.start()
    printer.show([RECORD])
    printer.close()


class Full(io.StringIO):
    """A file on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [Full(), closed(), None], ids=["full", "closed", "none"])
def test_a_sentence_that_cannot_be_written_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None
) -> None:
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr("sys.stderr", stream)
    announce("listening")
    complain("The disk is full.")


def test_nothing_a_sentence_quotes_is_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    complain("it said \x1b[2J\nand more")
    assert capsys.readouterr().err == "desktop-logs: it said ⟨ESC⟩[2J↵and more\n"


def test_a_printer_that_was_never_started_is_closed_all_the_same() -> None:
    Printer(io.StringIO()).close()


def test_what_the_encoding_lacks_is_printed_escaped_and_the_printing_goes_on() -> None:
    out = io.BytesIO()
    printer = Printer(io.TextIOWrapper(out, "cp1252"))
    printer.start()
    printer.show([Record(1, 0, 9, "info", "", "up → there")])
    printer.show([Record(2, 0, 9, "info", "", "later")])
    printer.close()
    first, second = out.getvalue().decode("cp1252").splitlines()
    assert first.endswith("up \\u2192 there")
    assert second.endswith("later")


def test_progress_is_shown_after_a_while_and_not_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, now_s = Terminal(), [5.0]
    monkeypatch.setattr(sys, "stderr", terminal)
    line = ProgressLine(lambda: now_s[0])
    for now_s[0], text in ((5.9, "early"), (6.1, "first"), (6.15, "at once"), (6.3, "second")):
        line.show(text)
    assert terminal.getvalue() == "\r\x1b[Kfirst\r\x1b[Ksecond"
    line.clear()
    line.clear()
    assert terminal.getvalue().endswith("second\r\x1b[K")


def test_no_progress_is_shown_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ProgressLine(iter([1.0, 9.0]).__next__)
    line.show("no")
    line.clear()
    assert capsys.readouterr() == ("", "")


def test_a_terminal_that_is_gone_ends_the_progress_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    line = ProgressLine(iter([1.0, 9.0]).__next__)
    terminal.close()
    line.show("gone")
    line.clear()


@pytest.mark.parametrize(
    ("query", "position", "mark"),
    [("a (b", 2, "  ^"), ("日\x1b (b", 3, "        ^"), ("e\u0301(", 2, " ^"), ("a", 1, " ^")],
)
def test_a_wrong_query_has_a_mark_under_its_place(
    capsys: pytest.CaptureFixture[str], query: str, position: int, mark: str
) -> None:
    complain_of_query(query, QueryError("No.", position))
    told, text, under = capsys.readouterr().err.splitlines()
    assert (told, under) == ("desktop-logs: QueryError: No.", f"  {mark}")
    assert "\x1b" not in text


def test_bytes_are_written_as_they_are(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    write_out("before ")
    write_out(b"a\r\n\xff")
    assert capsysbinary.readouterr().out == b"before a\r\n\xff"


@pytest.mark.parametrize("stderr", [None, io.StringIO()], ids=["a window on Windows", "no file"])
def test_where_stderr_is_no_file_nothing_is_told_of_native_faults(
    monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO | None
) -> None:
    monkeypatch.setattr(sys, "stderr", stderr)
    try:
        native_faults_to_stderr()
        assert not faulthandler.is_enabled()
    finally:
        faulthandler.enable(sys.__stderr__)  # pytest's own
