"""The bundle of `make bundle`, built, unpacked and used as a person would who has neither Python nor this project."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from PyInstaller.archive.readers import CArchiveReader

from desktop_logs import __version__
from tests.support.display import Display
from tests.support.node import NodeProgram
from tests.support.program import Program, eventually

ROOT = Path(__file__).parent.parent.parent
MEGABYTE = 1_000_000

Run = Callable[..., Program]

# Most of it is the build, which the first test to run waits for.
pytestmark = pytest.mark.timeout(1000)


def answer(program: Program) -> list[str]:
    """What a command prints that does all that is asked of it."""
    assert program.wait() == 0, program
    assert program.stderr == []
    return program.stdout


def counters(run: Run, url: str) -> dict[str, int]:
    """What the bundle's own `stats` says."""
    told = json.loads("".join(answer(run("stats", url, "--json"))))
    assert isinstance(told, dict)
    return told


def written_messages(data: Path) -> list[str]:
    """The messages in the application log, each line of which must be a whole JSON object."""
    (file,) = (data / "logs").glob("application-*.log")
    return [json.loads(line)["message"] for line in file.read_text(encoding="utf-8").splitlines()]


def running_from(folder: Path) -> list[int]:
    """The processes whose program lies in *folder*."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "exe").readlink().is_relative_to(folder):
                found.append(int(process.name))
        except OSError:
            continue  # ended meanwhile, or another user's
    return found


def mapped_files(pid: int) -> set[Path]:
    """The files that the process has in its memory: itself, its libraries, fonts."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {Path(parts[5]) for line in lines if len(parts := line.split(maxsplit=5)) == 6 and parts[5][0] == "/"}


def sockets() -> set[Path]:
    """Where programs of this user meet. Those that other tests have killed leave theirs."""
    return {path for path in Path(os.environ["XDG_RUNTIME_DIR"]).rglob("*") if path.is_socket()}


def test_a_double_click_on_a_machine_without_python(
    bundle: Path, run: Run, display: Display, node: Callable[..., NodeProgram], tmp_path: Path, home: Path
) -> None:
    """A home that is empty, records from curl and from Node, what is counted, an export, and a clean end."""
    sockets_before = sockets()
    program = run("--port", "0", DISPLAY=display.name)
    window = display.window("Desktop Logs", program, within_s=60)
    url = program.line_with("^listening on ", within_s=30).split()[-1]
    data = home / ".local" / "share" / "desktop-logs"
    assert (data / "tokens.json").stat().st_mode & 0o777 == 0o600

    entries = [{"level": "info", "message": f"by curl {n}", "context": {"source": "curl", "n": n}} for n in range(200)]
    posted = subprocess.run(
        ["curl", "--silent", "--fail", "--data-binary", "@-", f"{url}/api/logs"],
        input="".join(json.dumps(entry) + "\n" for entry in entries),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert json.loads(posted.stdout)["accepted"] == 200, posted
    producer = node("producer.js", url)
    for n in range(3):
        producer.send(f'log-ack {{"level":"error","message":"by node {n}","context":{{"source":"shop"}}}}')
        assert json.loads(producer.line_with('"ack":'))["ack"]["ok"] is True
    producer.send("quit")
    assert producer.wait() == 0
    messages = [f"by curl {n}" for n in range(200)] + [f"by node {n}" for n in range(3)]

    told = counters(run, url)
    assert (told["received"], told["stored"], told["dropped"]) == (203, 203, 0)
    eventually("the rows are in the window", lambda: counters(run, url)["window_rows"] == 203)
    colours = display.still_picture(window).scaled(100, 60).convertToFormat(display.picture().format())
    assert len({colours.pixel(x, y) for x in range(100) for y in range(60)}) > 20, "the window shows next to nothing"

    display.keys(window, "ctrl+e")
    display.keys(display.window("Export", program), "Return")
    (exported,) = eventually("the export is there", lambda: list(home.rglob("desktop-logs-*.jsonl")))
    assert [json.loads(line)["message"] for line in exported.read_text().splitlines()] == messages

    foreign = [file for file in mapped_files(program.pid) if file.is_relative_to(ROOT) or "python" in str(file)]
    assert [file for file in foreign if not file.is_relative_to(bundle.parent)] == []

    display.close(display.window("Export", program))
    display.close(window)
    assert program.wait() == 0
    assert program.stderr == []
    assert running_from(bundle.parent) == []
    assert written_messages(data) == messages
    assert list((tmp_path / "temporary").iterdir()) == []
    assert sockets() - sockets_before == set()

    answer(run("export", tmp_path / "out.csv", "--query", "source:shop"))
    assert [line.count("by node") for line in (tmp_path / "out.csv").read_text().splitlines()] == [0, 1, 1, 1]


def test_a_second_double_click_shows_the_window_that_is_there(run: Run, display: Display) -> None:
    first = run("--port", "0", DISPLAY=display.name)
    window = display.window("Desktop Logs", first, within_s=60)
    first.line_with("^listening on ", within_s=30)
    second = run(DISPLAY=display.name)
    assert second.wait() == 0, second
    assert display.windows("Desktop Logs") == [window]
    display.close(window)
    assert first.wait() == 0
    assert first.stderr == second.stderr == []


def test_the_commands_work_without_a_screen(bundle: Path, run: Run, tmp_path: Path) -> None:
    data = tmp_path / "data"
    hub = run("serve", "--port", "0", "--data-dir", data)
    url = hub.line_with("^listening on ", within_s=30).split()[-1]

    answer(run("send", url, "--source", "shop", "--level", "error", "the till is open"))
    piped = run("send", url)
    piped.send("line one")
    piped.send("line two")
    piped.close_stdin()
    answer(piped)

    tailed = [json.loads(line) for line in answer(run("tail", url, "--no-follow", "--json"))]
    assert [entry["message"] for entry in tailed] == ["the till is open", "line one", "line two"]
    assert (tailed[0]["level"], tailed[0]["context"]["source"]) == ("error", "shop")
    assert counters(run, url)["stored"] == 3
    (found,) = answer(run("search", "till", "--json", "--data-dir", data))
    assert json.loads(found)["message"] == "the till is open"
    assert "viewer" in "".join(answer(run("tokens", "--data-dir", data)))

    hub.signal(signal.SIGTERM)
    assert hub.wait() == 0
    assert written_messages(data) == ["the till is open", "line one", "line two"]
    assert running_from(bundle.parent) == []


def test_it_opens_without_a_word_where_there_is_no_locale(run: Run, display: Display) -> None:
    program = run("--port", "0", DISPLAY=display.name, LC_ALL="")
    display.close(display.window("Desktop Logs", program, within_s=60))
    assert program.wait() == 0
    assert program.stderr == []


def test_the_programs_it_starts_load_their_own_libraries(run: Run, tmp_path: Path, home: Path) -> None:
    """By one that tells its environment in place of a tool of the desktop."""
    tool = tmp_path / "nothing" / "update-desktop-database"
    tool.write_text(f"#!/bin/sh\nexport -p >'{home}/environment'\n")
    tool.chmod(0o755)
    assert run("install-desktop", LD_LIBRARY_PATH="/own").wait() == 0
    told = (home / "environment").read_text()
    assert "LD_LIBRARY_PATH='/own'" in told
    assert [line for line in told.splitlines() if "_internal" in line or "_PYI_" in line] == []


def test_the_systems_trust_in_certificates_is_asked(run: Run, tmp_path: Path) -> None:
    """It does not vouch for a test's own authority, and says so; told of that, the program gets its answer."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "hub.pem")
    hub = run("serve", "--port", "0", "--data-dir", tmp_path / "data", "--tls-cert", tmp_path / "hub.pem")
    url = hub.line_with("^listening on ", within_s=30).split()[-1]
    assert url.startswith("https://")
    refused = run("stats", url)
    assert refused.wait() == 2
    (sentence,) = refused.stderr
    assert "is not trusted: unable to get local issuer certificate" in sentence
    answer(run("stats", url, "--ca", tmp_path / "ca.pem"))


def test_the_connection_dialog_looks_for_a_keyring_and_finds_none(run: Run, display: Display, tmp_path: Path) -> None:
    program = run("--port", "0", "--data-dir", tmp_path / "data", DISPLAY=display.name)
    window = display.window("Desktop Logs", program, within_s=60)
    display.keys(window, "ctrl+t")
    dialog = eventually("the dialog is open", lambda: [w for w in display.windows(pid=program.pid) if w != window])[0]
    display.still_picture(dialog)
    display.keys(dialog, "Escape")
    display.close(window)
    assert program.wait() == 0
    assert program.stderr == []


def test_the_keyrings_of_every_system_are_inside(bundle: Path) -> None:
    """keyring finds its backends by their entry points: modules, and the metadata that name them."""
    modules = set(CArchiveReader(str(bundle)).open_embedded_archive("PYZ.pyz").toc)
    assert modules >= {f"keyring.backends.{name}" for name in ("SecretService", "chainer", "kwallet", "libsecret")}
    assert modules >= {"secretstorage", "jeepney", "truststore", "engineio.async_drivers.aiohttp"}
    (names,) = (bundle.parent / "_internal").glob("keyring-*.dist-info/entry_points.txt")
    assert "keyring.backends.SecretService" in names.read_text()


def test_no_tool_of_the_build_is_inside(bundle: Path) -> None:
    modules = set(CArchiveReader(str(bundle)).open_embedded_archive("PYZ.pyz").toc)
    tops = {name.partition(".")[0] for name in modules}
    assert tops & {"PyInstaller", "pip", "setuptools", "pytest", "hypothesis", "mypy", "unittest", "tkinter"} == set()


def test_it_tells_its_version(run: Run) -> None:
    assert answer(run("--version")) == [f"desktop-logs {__version__}"]


def test_no_link_of_the_bundle_leads_nowhere(bundle: Path) -> None:
    assert [path for path in bundle.parent.rglob("*") if path.is_symlink() and not path.exists()] == []


def test_what_a_person_reads_first_lies_beside_the_program(bundle: Path) -> None:
    assert {path.name for path in bundle.parent.iterdir()} == {
        *("desktop-logs", "_internal", "README.md", "CHANGELOG.md", "LICENSE", "LICENCES.txt", "licences")
    }


def test_it_is_small_enough_to_be_given_away(bundle: Path, archive: Path) -> None:
    """At most 190 MB unpacked and 60 MB to download, which is a promise, and no measurement."""
    files = [path for path in bundle.parent.rglob("*") if path.is_file() and not path.is_symlink()]
    assert sum(path.stat().st_size for path in files) <= 190 * MEGABYTE
    assert archive.stat().st_size <= 60 * MEGABYTE


def test_the_checksum_is_the_archives(archive: Path) -> None:
    check = subprocess.run(
        ["sha256sum", "--check", "--strict", f"{archive.name}.sha256"],
        cwd=archive.parent,
        capture_output=True,
        text=True,
    )
    assert check.stdout == f"{archive.name}: OK\n", check.stderr


def test_every_file_and_module_has_an_owner_whose_licence_is_there(bundle: Path) -> None:
    """By the bundle as it is, not by the list that was made on the way."""
    folder = bundle.parent
    lines = (folder / "licences" / "FILES.txt").read_text().splitlines()
    owners = {item: owner.split(", ") for item, _, owner in (line.partition("\t") for line in lines)}
    files = {
        path.relative_to(folder / "_internal").as_posix()
        for path in (folder / "_internal").rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    modules = {name.partition(".")[0] for name in CArchiveReader(str(bundle)).open_embedded_archive("PYZ.pyz").toc}
    assert files | {f"import {module}" for module in modules} <= set(owners)
    index = (folder / "LICENCES.txt").read_text().partition("\n\n")[2].splitlines()[1:]
    texts = {line.split()[0]: line.split("  ")[-1].strip().split(", ") for line in index}
    assert {owner for some in owners.values() for owner in some} == set(texts)
    missing = [name for names in texts.values() for name in names if not (folder / "licences" / name).is_file()]
    assert missing == []


def test_the_texts_that_qt_and_python_ask_for_are_there(bundle: Path) -> None:
    texts = bundle.parent / "licences"
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in (texts / "LGPL-3.0-only.txt").read_text()
    assert "GNU GENERAL PUBLIC LICENSE" in (texts / "GPL-3.0-only.txt").read_text()
    assert "Bootloader Exception" in (texts / "pyinstaller-COPYING.txt").read_text()
    parts = (texts / "LGPL-PARTS.txt").read_text().splitlines()
    named = [bundle.parent / "_internal" / line.strip() for line in parts if line.startswith("  ")]
    assert any("libQt6Core" in path.name for path in named) or sys.platform != "linux"
    assert [path for path in named if not path.exists()] == []
