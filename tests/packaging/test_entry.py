"""What the bundle's start makes of the environment, for itself and for the programs that it starts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="its linker and its locales are meant")

ENTRY = Path(__file__).parent.parent.parent / "packaging" / "entry.py"

TELLS = """
import json, locale, os, runpy, sys
entry = runpy.run_path(sys.argv[1])
locale.setlocale(locale.LC_CTYPE, "C")  # as a bundle finds it: nobody has asked for the environment's yet
entry[sys.argv[2]](os.environ)
print(json.dumps([dict(os.environ), locale.setlocale(locale.LC_CTYPE)]))
"""


def after(function: str, **variables: str) -> tuple[dict[str, str], str]:
    """The environment and the locale of a process after *function* of the bundle's start; it began with *variables*."""
    said = subprocess.check_output(
        [sys.executable, "-c", TELLS, ENTRY, function],
        # Python would leave the C locale by itself, and write that into the environment.
        env={"PYTHONCOERCECLOCALE": "0", **variables},
        text=True,
        timeout=30,
    )
    environment, shown = json.loads(said)
    del environment["PYTHONCOERCECLOCALE"]
    return environment, shown


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ({"LD_LIBRARY_PATH": "/bundle/_internal"}, {}),
        ({"LD_LIBRARY_PATH": "/bundle/_internal:/own", "LD_LIBRARY_PATH_ORIG": "/own"}, {"LD_LIBRARY_PATH": "/own"}),
        ({"LD_LIBRARY_PATH": "/bundle/_internal", "LD_LIBRARY_PATH_ORIG": ""}, {"LD_LIBRARY_PATH": ""}),
        ({"_PYI_ARCHIVE_FILE": "/bundle/desktop-logs", "_PYI_PARENT_PROCESS_LEVEL": "1"}, {}),
        ({"QT_PLUGIN_PATH": "/bundle/_internal/plugins", "QML2_IMPORT_PATH": "/bundle/_internal/qml"}, {}),
        ({"HOME": "/home/me", "QT_QPA_PLATFORM": "offscreen"}, {"HOME": "/home/me", "QT_QPA_PLATFORM": "offscreen"}),
    ],
)
def test_what_it_starts_finds_nothing_of_the_bundle_in_its_environment(
    before: dict[str, str], wanted: dict[str, str]
) -> None:
    found, _ = after("keep_libraries_to_itself", LC_ALL="C.UTF-8", **before)
    assert found == {"LC_ALL": "C.UTF-8", **wanted}


@pytest.mark.parametrize("before", [{}, {"LANG": "C"}, {"LANG": "POSIX"}, {"LC_CTYPE": "C"}, {"LANG": "xx_YY.UTF-8"}])
def test_without_a_locale_letters_are_utf_8_here_and_in_what_it_starts(before: dict[str, str]) -> None:
    found, shown = after("leave_the_c_locale", **before)
    assert found == {**before, "LC_CTYPE": "C.UTF-8"}
    assert shown == "C.UTF-8"


@pytest.mark.parametrize("before", [{"LC_ALL": "C"}, {"LANG": "C.UTF-8"}, {"LC_CTYPE": "C.UTF-8", "LANG": "C"}])
def test_a_locale_that_was_chosen_stays(before: dict[str, str]) -> None:
    found, _ = after("leave_the_c_locale", **before)
    assert found == before
