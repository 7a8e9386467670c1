"""Log records as entries: what every record says, what `extra` becomes, and what the program's own objects may do."""

from __future__ import annotations

import datetime
import enum
import json
import logging
import math
import sys
import uuid
from collections.abc import Callable
from sys import getsizeof
from typing import Any

import pytest

from desktop_logs.core.wire import parse_entry
from desktop_logs.handlers.entries import (
    MAX_MESSAGE_CHARACTERS,
    SMALL_BYTES,
    SMALL_CHARACTERS,
    capture,
    entry_from,
    program_name,
)
from desktop_logs.handlers.lines import encode_line


class Collected(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def record_of(log: Callable[[logging.Logger], None], name: str = "shop.cart") -> logging.LogRecord:
    """The record that *log* makes, as logging makes it."""
    logger = logging.Logger(name, logging.DEBUG)
    handler = Collected()
    logger.addHandler(handler)
    log(logger)
    return handler.records[0]


def entry(log: Callable[[logging.Logger], None], source: str | None = None) -> dict[str, Any]:
    return entry_from(record_of(log), source)


def context_of_extra(**extra: Any) -> dict[str, Any]:
    made = entry(lambda logger: logger.info("x", extra=extra))
    json.loads(encode_line(made))
    return dict(made["context"])


def test_a_record_says_what_where_and_when() -> None:
    record = record_of(lambda logger: logger.warning("%d items for %s", 3, "ada"))
    record.created = 1795341600.123456
    made = entry_from(record)
    assert made["level"] == "warning"
    assert made["message"] == "3 items for ada"
    assert made["timestamp"] == "2026-11-22T10:00:00.123456Z"
    context = made["context"]
    assert context["source"] == "shop.cart"
    assert "logger" not in context
    assert context["file"] == f"test_entries.py:{record.lineno}"
    assert context["function"] == "<lambda>"
    assert context["process"] == record.process
    assert context["thread"] == "MainThread"


@pytest.mark.parametrize(
    ("number", "name"), [(10, "debug"), (20, "info"), (25, "level 25"), (40, "error"), (50, "critical")]
)
def test_the_level_is_pythons_name_in_small_letters(number: int, name: str) -> None:
    assert entry(lambda logger: logger.log(number, "x"))["level"] == name


def test_the_handlers_source_comes_first_and_the_logger_stays_beside_it() -> None:
    context = entry(lambda logger: logger.info("x"), source="shop")["context"]
    assert (context["source"], context["logger"]) == ("shop", "shop.cart")


def test_the_root_loggers_source_is_the_programs_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/srv/bin/nightly.py"])
    record = record_of(lambda logger: logger.info("x"), "root")
    assert entry_from(record)["context"]["source"] == "nightly"


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["/srv/nightly.py"], "nightly"),
        (["/srv/tool/__main__.py"], "tool"),
        (["-c"], "python"),
        ([""], "python"),
        ([], "python"),
        (["bin/serve"], "serve"),
    ],
)
def test_a_program_is_called_after_its_script(argv: list[str], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", argv)
    assert program_name() == name


def test_an_exception_comes_with_its_traceback_as_python_writes_it() -> None:
    def log(logger: logging.Logger) -> None:
        try:
            raise KeyError("sku")
        except KeyError:
            logger.exception("no such thing", stack_info=True)

    record = record_of(log)
    context = entry_from(record)["context"]
    assert context["traceback"].startswith("Traceback (most recent call last):\n")
    assert context["traceback"].endswith("KeyError: 'sku'")
    assert record.exc_text == context["traceback"]
    assert context["stack_info"].startswith("Stack (most recent call last):\n")


class Bracketed(logging.Formatter):
    """A formatter as a program writes its own."""


def raised(logger: logging.Logger) -> None:
    try:
        raise KeyError("sku")
    except KeyError:
        logger.exception("no such thing", stack_info=True)


def test_a_formatter_of_the_programs_own_writes_the_message() -> None:
    record = record_of(lambda logger: logger.info("hello", extra={"user": 42}))
    made = entry_from(record, None, Bracketed("[%(levelname)s] %(message)s %(asctime)s"))
    assert made["message"].startswith("[INFO] hello 2")
    assert made["context"]["user"] == 42
    assert "asctime" not in made["context"]
    assert "message" not in entry_from(record)["context"]


def test_what_such_a_formatter_wrote_does_not_come_twice() -> None:
    made = entry_from(record_of(raised), None, Bracketed("[%(levelname)s] %(message)s"))
    assert made["message"].startswith("[ERROR] no such thing\nTraceback (most recent call last):")
    assert "Stack (most recent call last):" in made["message"]
    assert not {"traceback", "stack_info"} & made["context"].keys()

    class Terse(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return record.getMessage().upper()

    made = entry_from(record_of(raised), None, Terse())
    assert made["message"] == "NO SUCH THING"
    assert {"traceback", "stack_info"} <= made["context"].keys()


@pytest.mark.parametrize("layout", [None, logging.BASIC_FORMAT, "%(asctime)s %(message)s"])
def test_a_plain_formatter_is_for_lines_of_text(layout: str | None) -> None:
    """`basicConfig` gives one to every handler: "INFO:root:hello" would be no message."""
    made = entry_from(record_of(raised), None, logging.Formatter(layout))
    assert made["message"] == "no such thing"
    assert made["context"]["traceback"].endswith("KeyError: 'sku'")


def test_extra_keeps_json_as_it_is() -> None:
    value = {"a": [1, 2.5, None, True, "x"], "b": {"c": -(2**63)}}
    assert context_of_extra(order=value)["order"] == value


class Colour(enum.IntEnum):
    RED = 3


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (2**63, str(2**63)),
        (-(2**63) - 1, str(-(2**63) - 1)),
        (b"\xff", "b'\\xff'"),
        (datetime.date(2026, 11, 22), "2026-11-22"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ((1, (2,)), [1, [2]]),
        ({7}, [7]),
        ({1: "one", None: "none"}, {"1": "one", "None": "none"}),
        (Colour.RED, 3),
        pytest.param(10**5000, hex(10**5000), id="more digits than str takes"),
    ],
)
def test_extra_makes_the_rest_text(value: Any, made: Any) -> None:
    assert context_of_extra(value=value)["value"] == made


def test_extra_is_cut_at_eight_levels_and_64_keys() -> None:
    deep: list[Any] = []
    deep.append(deep)
    text = json.dumps(context_of_extra(deep=deep)["deep"])
    assert text.count("[") == 7
    assert "…" in json.loads(text)[0][0][0][0][0][0][0]
    wide = context_of_extra(wide={f"key{number}": number for number in range(100)})["wide"]
    assert len(wide) == 64
    assert wide["…"] == "37 more"
    assert len(context_of_extra(**{f"key{number}": number for number in range(100)})) <= 64


def test_extra_stays_small_however_much_there_is() -> None:
    tree: Any = "leaf"
    for _ in range(7):
        tree = {f"branch{number}": tree for number in range(64)}
    made = entry(lambda logger: logger.info("x", extra={"tree": tree, "long": "é" * 10_000_000}))
    line = encode_line(made)
    assert len(line) < 256 * 1024
    parse_entry(json.loads(line), 1, 0)


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no")


class Liar(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("no")


def test_objects_that_cannot_be_printed_are_named() -> None:
    context = context_of_extra(one=Unprintable(), two={"x": [Unprintable()]}, three=Liar())
    assert context["one"] == "<unprintable Unprintable>"
    assert context["two"] == {"x": ["<unprintable Unprintable>"]}
    assert context["three"] == "<unprintable Liar>"


def test_a_level_that_nobody_knows_says_its_number() -> None:
    record = logging.makeLogRecord({"msg": "x", "levelno": 45, "levelname": "AUDIT"})
    made = entry_from(record)
    assert (made["level"], made["context"]["levelno"]) == ("audit", 45)
    assert "levelno" not in entry(lambda logger: logger.log(25, "x"))["context"]


def test_extra_wins_over_our_keys_but_for_source_and_level() -> None:
    context = context_of_extra(source="theirs", level="fatal", file="invoice.pdf", function=7)
    assert context["source"] == "shop.cart"
    assert (context["extra.source"], context["extra.level"]) == ("theirs", "fatal")
    assert "level" not in context
    assert (context["file"], context["function"]) == ("invoice.pdf", 7)


def test_arguments_that_do_not_fit_are_delivered_as_they_are() -> None:
    message = entry(lambda logger: logger.info("%d items", "three"))["message"]
    assert message.startswith("%d items (three) <not formatted: TypeError: ")
    message = entry(lambda logger: logger.info("%s items", Unprintable()))["message"]
    assert message == "%s items (<unprintable Unprintable>) <not formatted: RuntimeError: no>"


def test_an_exception_that_cannot_be_printed_is_still_a_record() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    def log(logger: logging.Logger) -> None:
        try:
            raise Broken
        except Broken:
            logger.exception("x")

    assert "Broken" in entry(log)["context"]["traceback"]


@pytest.mark.parametrize("text", ["esc \x1b[31m", "bidi \u202e", "emoji 🚀"])
def test_any_text_survives_the_wire(text: str) -> None:
    made = entry(lambda logger: logger.info(text, extra={"key": text}))
    line = encode_line(made)
    assert line.isascii()
    assert line.count(b"\n") == 1
    back = json.loads(line)
    assert back["message"] == text
    assert back["context"]["key"] == text


def test_lone_surrogates_and_nul_are_escaped_wherever_they_stand() -> None:
    bad, good = "\ud800 \x00", r"\ud800 \x00"

    def log(logger: logging.Logger) -> None:
        try:
            raise ValueError(bad)
        except ValueError:
            logger.exception(bad, extra={bad: {bad: [bad]}})

    record = record_of(log, bad)
    record.filename = record.threadName = bad
    for source in (None, bad):
        made = entry_from(record, source)
        json.dumps(made, ensure_ascii=False).encode()
        assert "\\u0000" not in json.dumps(made)
        assert made["message"] == made["context"]["source"] == made["context"]["thread"] == good
        assert made["context"][good] == {good: [good]}
        assert made["context"]["traceback"].endswith(f"ValueError: {good}")


@pytest.mark.parametrize("letter", ["x", "é", "漢", "🚀", "\x01", "\ud800", "\n"])
def test_a_long_message_is_cut_to_what_a_hub_takes(letter: str) -> None:
    def log(logger: logging.Logger) -> None:
        try:
            raise ValueError(letter * 1_000_000)
        except ValueError:
            logger.exception(letter * 2_000_000 + "the end", extra={"long": letter * 1_000_000})

    line = encode_line(entry(log))
    assert len(line) <= 256 * 1024
    record = parse_entry(json.loads(line), 1, 0)
    assert "characters cut here by the log handler" in record.message
    assert "cut here by Desktop Logs" not in record.message
    assert record.message.endswith("the end")


def test_a_message_below_the_limit_is_not_touched() -> None:
    text = "x" * MAX_MESSAGE_CHARACTERS
    assert json.loads(encode_line(entry(lambda logger: logger.info(text))))["message"] == text


def test_a_record_made_by_hand_is_taken() -> None:
    made = entry_from(logging.makeLogRecord({"msg": "x", "created": math.inf, "exc_info": True}))
    assert made["timestamp"].endswith("Z")
    assert made["context"]["traceback"].startswith("<traceback not formatted")


def test_a_record_class_of_the_programs_own_formats_its_messages() -> None:
    """As with `logging.setLogRecordFactory` for messages in braces."""

    class Braces(logging.LogRecord):
        def getMessage(self) -> str:
            return str(self.msg).format(*self.args or ())

    assert entry_from(Braces("shop", 20, "x.py", 1, "{} items", (3,), None))["message"] == "3 items"
    assert entry_from(Braces("shop", 20, "x.py", 1, "{{}}", (), None))["message"] == "{}"


@pytest.mark.parametrize("is_touched", [False, True])
def test_what_a_filter_adds_is_found_however_python_keeps_it(is_touched: bool) -> None:
    """A record whose `__dict__` was asked for keeps its attributes there, another one does not."""
    record = logging.LogRecord("shop", logging.INFO, "/a/b.py", 1, "hello", (), None)
    if is_touched:
        assert "user" not in vars(record)
    assert capture(record)[12] is None
    record.message = "hello"  # as a formatter leaves it
    assert capture(record)[12] is None
    record.user = 42
    assert capture(record)[12] == {"user": 42}


def test_a_small_record_is_no_heavier_than_the_queue_counts_it() -> None:
    """By what Python says of all that the record alone holds."""
    record = logging.LogRecord("shop", logging.INFO, "/a/b.py", 70_000, "x" * SMALL_CHARACTERS, (), None)
    captured = capture(record)
    own = [captured[at] for at in (0, 3, 4, 6, 9)]  # created, filename, lineno, process, message
    assert getsizeof(captured) + sum(map(getsizeof, own)) <= SMALL_BYTES
