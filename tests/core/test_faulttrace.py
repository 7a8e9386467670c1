"""A fault is told by where it was and of which class: nothing of what a log said gets into it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from desktop_logs.core.faulttrace import LEFT_OUT, class_name, describe, headline, key_of

SECRET = "hunter2-Zebra"


def caught(act: Callable[[], object]) -> BaseException:
    try:
        act()
    except BaseException as failure:  # noqa: BLE001 - whatever a test raises
        return failure
    raise AssertionError("nothing was raised")


def text_of(act: Callable[[], object]) -> str:
    return "\n".join(describe(caught(act), lambda _file, _line: ""))


def raises(failure: BaseException) -> Callable[[], object]:
    def act() -> None:
        raise failure

    return act


def from_another(first: BaseException, second: BaseException, *, chained: bool) -> Callable[[], object]:
    def act() -> None:
        try:
            raise first
        except BaseException as cause:
            if chained:
                raise second from cause
            raise second  # noqa: B904 - this is what is tried

    return act


def noted(failure: BaseException) -> BaseException:
    failure.add_note(f"about {SECRET}")
    return failure


class _Talking(Exception):
    def __str__(self) -> str:
        raise ValueError(SECRET)


OF_PYTHON = [
    AttributeError, ImportError, IndexError, KeyError, MemoryError, NameError, OSError, RecursionError, RuntimeError,
    SyntaxError, TypeError, ValueError, ZeroDivisionError, AssertionError, StopIteration, LookupError, EOFError,
]  # fmt: skip

PLANTED: dict[str, Callable[[], object]] = {
    **{kind.__name__: raises(kind(f"no {SECRET}")) for kind in OF_PYTHON},
    "a note": raises(noted(ValueError())),
    "a key": lambda: {}[SECRET],
    "an attribute by name": lambda: getattr(None, SECRET),
    "an attribute that is set": lambda: setattr(object(), SECRET, 1),
    "a module by name": lambda: __import__(SECRET),
    "a keyword": lambda: describe(**{SECRET: 1}),  # type: ignore[call-arg]
    "a number": lambda: int(SECRET),
    "bytes": lambda: (SECRET.encode() + b"\xff").decode(),
    "letters": lambda: f"{SECRET}\udc80".encode(),
    "JSON": lambda: json.loads(f'{{"a": {SECRET}'),
    "source text": lambda: compile(f"x = '{SECRET}", "<string>", "exec"),
    "source text with a file's name": lambda: exec(f"x = {SECRET!r} +"),
    "an expression": lambda: re.compile(f"({SECRET}"),
    "a format": lambda: format(1, SECRET),
    "a file": lambda: open(f"/nowhere/{SECRET}"),  # noqa: SIM115 - it is never open
    "a file's own text": raises(OSError(28, SECRET, SECRET)),
    "a number of errors that is text": raises(OSError(SECRET, SECRET)),
    "a group": raises(ExceptionGroup(SECRET, [ValueError(SECRET), ExceptionGroup(SECRET, [KeyError(SECRET)])])),
    "a class made at run time": raises(type(SECRET, (ValueError,), {"__module__": SECRET})(SECRET)),
    "a class that says it is Python's": raises(type(SECRET, (OSError,), {"__module__": "builtins"})(5, SECRET)),
    "a cause": from_another(ValueError(SECRET), RuntimeError(SECRET), chained=True),
    "what was dealt with": from_another(noted(KeyError(SECRET)), TypeError(SECRET), chained=False),
    "an exit": raises(SystemExit(SECRET)),
    "an exception that cannot be told": raises(_Talking(SECRET)),
    "an argument's class": lambda: len(type(SECRET, (), {})()),
    "an attribute of a class made at run time": lambda: type(SECRET, (), {})().absent,
}


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_nothing_of_a_log_is_told(planted: Callable[[], object]) -> None:
    failure = caught(planted)
    for text in ("\n".join(describe(failure, lambda _file, _line: "")), headline(failure), repr(key_of(failure))):
        for part in ("hunter", "Zebra"):
            assert part not in text, text


def test_frames_are_told_by_file_line_and_function_with_the_source_where_it_is_given() -> None:
    failure = caught(PLANTED["a cause"])
    asked: list[tuple[str, int]] = []

    def source(file: str, line: int) -> str:
        asked.append((file, line))
        return "    raise first\n"

    text = "\n".join(describe(failure, source))
    assert re.search(r"  .*test_faulttrace\.py, line \d+, in from_another\.<locals>\.act\n    raise first\n", text)
    assert "Caused by:" in text
    assert text.index("RuntimeError") < text.index("Caused by:") < text.index("ValueError")
    assert all(file == __file__ and line > 0 for file, line in asked)


def test_what_python_says_of_the_code_itself_is_told() -> None:
    def missing() -> None:
        None.absent  # type: ignore[attr-defined]  # noqa: B018

    def unbound() -> None:
        never_defined  # type: ignore[name-defined]  # noqa: B018, F821

    def wrong_call() -> None:
        caught()  # type: ignore[call-arg]

    def index() -> None:
        [][1]

    assert text_of(missing).endswith("AttributeError: 'NoneType' object has no attribute 'absent'")
    assert text_of(unbound).endswith("NameError: name 'never_defined' is not defined")
    assert text_of(wrong_call).endswith("TypeError: caught() missing … required positional argument: 'act'")
    assert text_of(index).endswith("IndexError: list index out of range")
    assert text_of(lambda: 1 / 0).endswith("ZeroDivisionError: division by zero")
    assert text_of(lambda: None + 1).endswith(  # type: ignore[operator]
        "TypeError: unsupported operand type(s) for +: 'NoneType' and 'int'"
    )


def test_what_a_raise_statement_says_is_left_out() -> None:
    """It may be made of anything, also in the words that Python has."""
    assert text_of(raises(TypeError("name of list"))).endswith(f"TypeError: {LEFT_OUT}")
    assert text_of(raises(ValueError("x"))).endswith(f"ValueError: {LEFT_OUT}")


def test_what_the_system_refuses_is_told_by_its_number_alone() -> None:
    assert text_of(lambda: open("/nowhere/at/all")).endswith("FileNotFoundError: ENOENT")  # noqa: SIM115


def test_a_class_is_named_as_a_module_has_it() -> None:
    assert class_name(KeyError) == "KeyError"
    assert class_name(json.JSONDecodeError) == "json.decoder.JSONDecodeError"
    assert class_name(type("Made", (json.JSONDecodeError,), {})) == "a kind of json.decoder.JSONDecodeError"


def test_a_stack_and_a_chain_of_any_length_stay_a_page() -> None:
    def deep() -> None:
        deep()

    failure = caught(deep)
    lines = describe(failure, lambda _file, _line: "")
    assert len(lines) < 50
    assert any("more …" in line for line in lines)
    assert "RecursionError: maximum recursion depth exceeded" in lines[-1]
    wide = ExceptionGroup("", [ValueError() for _ in range(1_000)])
    assert len(describe(wide, lambda _file, _line: "")) < 50
    ring = ValueError()
    ring.__cause__ = other = KeyError()
    other.__cause__ = ring
    assert len([line for line in describe(ring, lambda _file, _line: "") if "Error" in line]) == 2


def test_the_same_fault_has_the_same_key_and_another_has_another() -> None:
    def one(number: int) -> None:
        raise ValueError(number)

    def other() -> None:
        raise ValueError

    first, again = (caught(lambda number=number: one(number)) for number in (1, 2))  # type: ignore[misc]
    assert key_of(first) == key_of(again)
    assert key_of(first) != key_of(caught(other))
    assert headline(first) == f"ValueError in {one.__qualname__}"
