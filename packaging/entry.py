"""Where the bundle starts: the same program that `pip install` puts on the path as desktop-logs, once the environment
is as a Python on the path would have it."""

from __future__ import annotations

import locale
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from os import environ

from desktop_logs.cli import main


def keep_libraries_to_itself(variables: MutableMapping[str, str]) -> None:
    """Take out of *variables*, on Linux, what leads to the bundle's own libraries and Qt plugins.

    This process has used them by now: its linker read LD_LIBRARY_PATH before the first line of Python, and Qt knows
    its plugins by the qt.conf that PyInstaller gives it. What it starts, a file manager say, would load them in place
    of the system's (PyInstaller's manual, "LD_LIBRARY_PATH / LIBPATH considerations"); and a bundle among those would
    take itself for a part of this one, and not set its own.
    """
    if not sys.platform.startswith("linux"):
        return
    before = variables.pop("LD_LIBRARY_PATH_ORIG", None)
    variables.pop("LD_LIBRARY_PATH", None)
    if before is not None:
        variables["LD_LIBRARY_PATH"] = before
    for name in list(variables):
        if name.startswith("_PYI_") or name in ("QT_PLUGIN_PATH", "QML2_IMPORT_PATH"):
            del variables[name]


def leave_the_c_locale(variables: MutableMapping[str, str]) -> None:
    """Have letters in UTF-8 where the environment says nothing of them, or C: as python3 does at its start, but the
    one in a bundle does not (PEP 538). Qt would complain of it on stderr, at every start."""
    if sys.platform == "win32" or variables.get("LC_ALL"):
        return
    with suppress(locale.Error):  # one that is not installed leaves it at C
        locale.setlocale(locale.LC_CTYPE, "")
    if locale.setlocale(locale.LC_CTYPE) != "C":
        return
    for name in ("C.UTF-8", "C.utf8", "UTF-8"):
        with suppress(locale.Error):
            locale.setlocale(locale.LC_CTYPE, name)
            variables["LC_CTYPE"] = name
            return


if __name__ == "__main__":
    keep_libraries_to_itself(environ)
    leave_the_c_locale(environ)
    sys.exit(main())
