"""A fault told without what it was about: where the program stood, and of which classes the exceptions were. Pure.

Logs may be anywhere in an exception: in its message, its notes, its arguments, the name of a class made at run time.
So only what comes from code is told: names of files and functions, source lines of this program, classes that a
module has, and of the messages that Python itself makes the words that are Python's or stand in the running code.
"""

from __future__ import annotations

import builtins
import errno
import opcode
import re
import sys
from collections.abc import Callable, Iterator
from types import CodeType, TracebackType
from typing import Final

LEFT_OUT: Final = "(its message is left out: it could quote a log)"

_MOST_EXCEPTIONS: Final = 10
_FIRST_FRAMES, _LAST_FRAMES = 10, 30
_KEY_FRAMES: Final = 10
_MOST_WORDS: Final = 60
# Classes for which Python makes messages of names in the code; ValueError and KeyError quote values.
_BY_PYTHON: Final = (
    AttributeError, ImportError, IndexError, ModuleNotFoundError, NameError, RecursionError, TypeError,
    UnboundLocalError, ZeroDivisionError,
)  # fmt: skip
_RAISE_STATEMENTS: Final = ("RAISE_VARARGS", "RERAISE")
_SAID_BY_PYTHON: Final = """
a an and are argument arguments as assigned assignment associated async at attribute attributes await awaitable
be before bound but by call callable calling can cannot coroutine could deepcopy defined deleter depth descriptor
different division does doesn't during exceeded expected expression for free found from function generator get
given global got has have id import in index indices instance instances int integer integers into is isn't it item
iterable iterator keyword keywords know list local maximum may missing mapping method modulo module more most
multiple must name named no not object of only operand operands operator or order out pop positional power
providing range recursion referenced required reversible s sequence set setter str string subscriptable support
supported supports t takes than that the to too tuple type types unexpected unhashable unpack unsupported use used
value values variable was were when where while with without yield zero
NoneType builtin_function_or_method Task Future dict_keys dict_items dict_values
"""
_WORDS_OF_PYTHON: Final = frozenset(
    {*_SAID_BY_PYTHON.split(), *(name for name, value in vars(builtins).items() if isinstance(value, type))}
)
_TOKEN: Final = re.compile(r"\w+|[ '.,:()+\-*/%<>=|&^~@\[\]]|.", re.DOTALL)
_PUNCTUATION: Final = frozenset(" '.,:()+-*/%<>=|&^~@[]")

SourceLine = Callable[[str, int], str]


def describe(failure: BaseException, source_line: SourceLine) -> list[str]:
    """*failure* and those that led to it, over several lines. *source_line* gives the text of a line of a file of this
    program, empty for others. A chain and a stack of any length become a page or two."""
    lines: list[str] = []
    for how, one in _chain(failure):
        if how:
            lines += ["", how]
        lines += _frames(one.__traceback__, source_line)
        lines.append(f"{class_name(type(one))}: {_message(one)}")
    return lines


def headline(failure: BaseException) -> str:
    """The class of *failure* and where it was raised."""
    frame = next(iter(reversed(_stack(failure.__traceback__))), None)
    return class_name(type(failure)) + (f" in {frame[2].co_qualname}" if frame is not None else "")


def key_of(failure: BaseException) -> object:
    """Equal for what is the same fault: of the same class, raised in the same line, on the same way."""
    stack = _stack(failure.__traceback__)[-_KEY_FRAMES:]
    return class_name(type(failure)), tuple((file, line) for file, line, _ in stack)


def class_name(kind: type[BaseException]) -> str:
    """The name of *kind* as a module has it; of a class that no module has, the nearest above it that one has."""
    for known in kind.__mro__:
        name = _name_in_module(known)
        if name:
            return name if known is kind else f"a kind of {name}"
    return "an exception"


def _name_in_module(kind: type) -> str:
    """Where a module has *kind*; empty for one that was made at run time, whose name may be anything."""
    module, name = kind.__module__, kind.__qualname__
    found: object = sys.modules.get(module) if isinstance(module, str) else None
    for part in name.split("."):
        found = vars(found).get(part) if hasattr(found, "__dict__") else None
    if found is not kind:
        return ""
    return name if module in ("builtins", "__main__") else f"{module}.{name}"


def _chain(failure: BaseException) -> Iterator[tuple[str, BaseException]]:
    """*failure*, then what it came from and what a group has in it, each once."""
    waiting: list[tuple[str, BaseException]] = [("", failure)]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_EXCEPTIONS:
        how, one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield how, one
        if one.__cause__ is not None:
            waiting.append(("Caused by:", one.__cause__))
        elif one.__context__ is not None and not one.__suppress_context__:
            waiting.append(("While this was dealt with:", one.__context__))
        if isinstance(one, BaseExceptionGroup):
            waiting += [("In the group:", part) for part in one.exceptions]


def _stack(trace: TracebackType | None) -> list[tuple[str, int, CodeType]]:
    stack = []
    while trace is not None:
        code = trace.tb_frame.f_code
        stack.append((code.co_filename, trace.tb_lineno or code.co_firstlineno, code))
        trace = trace.tb_next
    return stack


def _frames(trace: TracebackType | None, source_line: SourceLine) -> Iterator[str]:
    stack = _stack(trace)
    left_out = len(stack) - _FIRST_FRAMES - _LAST_FRAMES
    for index, (file, line, code) in enumerate(stack):
        if left_out > 0 and index == _FIRST_FRAMES:
            yield f"  … {left_out} more …"
        if left_out > 0 and _FIRST_FRAMES <= index < _FIRST_FRAMES + left_out:
            continue
        yield f"  {file}, line {line}, in {code.co_qualname}"
        source = source_line(file, line).strip()
        if source:
            yield f"    {source}"


def _message(failure: BaseException) -> str:
    kind = type(failure)
    if isinstance(failure, OSError) and kind.__module__ == "builtins":
        # By its number alone: its text and its file names may be anything. Libraries' kinds have numbers of their own.
        return errno.errorcode.get(failure.errno, LEFT_OUT) if type(failure.errno) is int else LEFT_OUT
    if kind in _BY_PYTHON and _was_raised_by_python(failure.__traceback__):
        return _known_words(str(failure), _names(failure))
    return LEFT_OUT


def _was_raised_by_python(trace: TracebackType | None) -> bool:
    """False where a `raise` statement stands, which may have made the message of anything."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    code = trace.tb_frame.f_code.co_code
    return 0 <= trace.tb_lasti < len(code) and opcode.opname[code[trace.tb_lasti]] not in _RAISE_STATEMENTS


def _names(failure: BaseException) -> set[str]:
    """The names in the code that was running, and that of the class whose attribute is missing."""
    names: set[str] = set()
    for _, _, code in _stack(failure.__traceback__)[-_KEY_FRAMES:]:
        for some in (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, (code.co_name,)):
            names.update(some)
    if isinstance(failure, AttributeError) and _name_in_module(type(failure.obj)):
        names.add(type(failure.obj).__name__)
    return names


def _known_words(message: str, names: set[str]) -> str:
    """*message* with … for every word that is neither Python's own nor among *names*: numbers too."""
    shown: list[str] = []
    for token in _TOKEN.findall(message)[: 2 * _MOST_WORDS]:
        is_known = token in _PUNCTUATION or token in _WORDS_OF_PYTHON or token in names
        if is_known or shown[-1:] != ["…"]:
            shown.append(token if is_known else "…")
    return "".join(shown)
