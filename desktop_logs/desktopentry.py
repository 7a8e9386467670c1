"""What a Linux desktop is told of the program: menu entry, metainfo, icons, file types. Texts only; no Qt, no writing.

https://specifications.freedesktop.org/desktop-entry-spec/latest/ and https://www.freedesktop.org/software/appstream/docs/
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from desktop_logs import APP_ID
from desktop_logs.assets import resource, resource_text
from desktop_logs.core.errors import UserError

PROGRAM = "desktop-logs"
ICON_SIZES_PX = (16, 22, 24, 32, 48, 64, 128, 256, 512)
ENTRY = f"applications/{APP_ID}.desktop"

_STRING_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\t": r"\t", "\r": r"\r"})
_NEEDS_QUOTES = re.compile(r"""[\s"'\\<>~|&;$*?#()`]""")


def share_files(command: Sequence[str] = (PROGRAM,)) -> dict[str, bytes]:
    """Every file by its place below a `share` folder, for a program that is started by *command*.

    Without one it is `desktop-logs` on the path. Raises UserError for a command that no entry can hold.
    """
    icons = "icons/hicolor"
    return {
        ENTRY: desktop_entry(command).encode(),
        f"metainfo/{APP_ID}.metainfo.xml": metainfo().encode(),
        f"mime/packages/{APP_ID}.xml": resource("desktop", f"{APP_ID}.mime.xml").read_bytes(),
        f"{icons}/scalable/apps/{APP_ID}.svg": resource("icons", "desktop-logs.svg").read_bytes(),
        **{
            f"{icons}/{size}x{size}/apps/{APP_ID}.png": resource(
                "icons", "app", f"desktop-logs-{size}.png"
            ).read_bytes()
            for size in ICON_SIZES_PX
        },
    }


def desktop_entry(command: Sequence[str] = (PROGRAM,)) -> str:
    """The menu entry that starts *command*. Raises UserError for a command that no entry can hold."""
    starts = {f"Exec={PROGRAM}": f"Exec={exec_value(command)}", f"TryExec={PROGRAM}": f"TryExec={_string(command[0])}"}
    lines = resource_text("desktop", f"{APP_ID}.desktop").splitlines()
    for number, line in enumerate(lines):
        for start, ours in starts.items():
            if line == start or line.startswith(start + " "):
                lines[number] = ours + line.removeprefix(start)
    return "\n".join(lines) + "\n"


def exec_value(command: Sequence[str]) -> str:
    """*command* as the key Exec takes it: quoted where it must be, `%` doubled, and escaped as every string is.

    Raises UserError for a program with `=` in its path, which the specification forbids, and for a path that is not
    UTF-8, which the file is.
    """
    if "=" in command[0]:
        raise UserError(
            f"A menu entry cannot start {command[0]}, for a '=' is in its path. Move the program elsewhere."
        )
    # GLib looks for the program before it makes `%` of `%%`, and finds none; it finds env, which is given the `%`.
    words = ["env", *command] if "%" in command[0] else command
    return " ".join(_string(_argument(word)) for word in words)


def metainfo() -> str:
    """The AppStream metainfo, with the releases that CHANGELOG.md names."""
    lines = "".join(f'    <release version="{version}" date="{date}"/>\n' for version, date in releases(_changelog()))
    text = resource_text("desktop", f"{APP_ID}.metainfo.xml")
    return text.replace("  <releases/>\n", f"  <releases>\n{lines}  </releases>\n")


def releases(changelog: str) -> list[tuple[str, str]]:
    """The version and the day (2026-11-23) of each release in *changelog*, the newest first."""
    return re.findall(r"^## (\S+) \((\d{4}-\d\d-\d\d)\)$", changelog, re.MULTILINE)


def _changelog() -> str:
    # Beside `resources` in a checkout, in a wheel and in the bundle.
    return resource_text("..", "CHANGELOG.md")


def _argument(word: str) -> str:
    """*word* as one argument of a command line: "The Exec key" of the specification."""
    word = word.replace("%", "%%")
    if word and not _NEEDS_QUOTES.search(word):
        return word
    return '"' + re.sub(r'(["`$\\])', r"\\\1", word) + '"'


def _string(value: str) -> str:
    """*value* as a value of the type string: "Possible value types" of the specification."""
    try:
        value.encode()
    except UnicodeEncodeError:
        shown = value.encode(errors="replace").decode()
        raise UserError(f"A menu entry cannot name {shown}, for it is not UTF-8. Move the program elsewhere.") from None
    return value.translate(_STRING_ESCAPES)
