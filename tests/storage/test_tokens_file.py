"""Tokens are made once, are their owner's alone, and are never lost or laid open by a fault."""

from __future__ import annotations

import json
import os
import shlex
import stat
import threading
from pathlib import Path

import pytest

from desktop_logs.core.access import Tokens
from desktop_logs.core.errors import StorageError
from desktop_logs.storage import tokens_file
from desktop_logs.storage.tokens_file import make_tokens, new_token, read_tokens, tokens_command

KEPT = {"viewer": "the-viewers-token-0001", "producer": "the-producers-token-01"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "tokens.json"


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def test_a_token_is_32_characters_that_a_shell_and_a_command_line_take() -> None:
    tokens = {new_token() for _ in range(500)}
    assert len(tokens) == 500
    assert all(len(token) == 32 and token.replace("-", "").replace("_", "").isalnum() for token in tokens)
    assert not any(token.startswith("-") for token in tokens)


def test_the_command_that_shows_them_can_be_pasted(tmp_path: Path) -> None:
    folder = tmp_path / "Application Support's"
    typed = shlex.split(tokens_command(folder, "--new"))
    assert typed == ["desktop-logs", "tokens", "--new", "--data-dir", str(folder)]


def test_without_a_file_there_are_none(path: Path) -> None:
    assert read_tokens(path) is None


def test_they_are_made_once_and_kept(path: Path) -> None:
    made = make_tokens(path)
    assert made.viewer != made.producer
    assert make_tokens(path) == made == read_tokens(path)
    assert json.loads(path.read_text()) == {"viewer": made.viewer, "producer": made.producer}


def test_new_ones_replace_them_when_that_is_wanted(path: Path) -> None:
    before = make_tokens(path)
    after = make_tokens(path, replace=True)
    assert read_tokens(path) == after != before
    assert os.listdir(path.parent) == ["tokens.json"]


def test_the_file_is_its_owners_alone_from_its_first_moment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = os.fsync

    def look(file: int) -> None:
        seen.extend(stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir())
        real(file)

    monkeypatch.setattr(tokens_file.os, "fsync", look)
    before = os.umask(0)
    try:
        make_tokens(path)
    finally:
        os.umask(before)
    assert seen == [0o600]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_programs_that_start_in_one_moment_have_the_same_tokens(path: Path) -> None:
    had: list[Tokens] = []
    start = threading.Barrier(8)

    def begin() -> None:
        start.wait()
        had.append(make_tokens(path))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert had == [had[0]] * 8
    assert os.listdir(path.parent) == ["tokens.json"]


def test_a_file_system_without_hard_links_will_do(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(tokens_file.os, "link", link)
    assert make_tokens(path) == make_tokens(path)
    assert os.listdir(path.parent) == ["tokens.json"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_may_use_is_refused(path: Path, mode: int) -> None:
    write(path, json.dumps(KEPT), mode)
    with pytest.raises(StorageError, match="chmod 600"):
        make_tokens(path)
    path.chmod(0o600)
    assert make_tokens(path) == Tokens(**KEPT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"viewer":"the-viewers-token-0001"}',
        '{"viewer":1,"producer":2}',
        '{"viewer":"short","producer":"the-producers-token-01"}',
        '{"viewer":"the-viewers-token-0001","producer":"the-viewers-token-0001"}',
        '{"viewer":"the viewers token 0001","producer":"the-producers-token-01"}',
        '{"viewer":"the-viewers-token-0001","producer":"the-producers-token-01","admin":"x"}',
        "[" * 5_000,
        "\x00",
    ],
)
def test_a_file_that_holds_something_else_is_told_and_left_alone(path: Path, text: str) -> None:
    write(path, text)
    with pytest.raises(StorageError, match="desktop-logs tokens --new"):
        make_tokens(path)
    assert path.read_text() == text
    assert make_tokens(path, replace=True) == read_tokens(path)


def test_a_folder_in_its_place_is_told(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StorageError, match="Is a directory"):
        make_tokens(path)


def test_a_folder_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Cannot (keep|read) the tokens"):
        make_tokens(tmp_path / "file" / "tokens.json")
