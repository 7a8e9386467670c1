"""The numbers file: what it says is kept whole, and what cannot be understood is as good as missing."""

from __future__ import annotations

import os

import pytest

from desktop_logs.storage.numbers import FILE_NAME, Reserved, read_reserved, write_reserved


def test_what_was_written_is_read(tmp_path):
    write_reserved(tmp_path, Reserved("e", 7))
    write_reserved(tmp_path, Reserved("e", 2**40))
    assert read_reserved(tmp_path) == Reserved("e", 2**40)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_it_is_its_owners_alone(tmp_path):
    write_reserved(tmp_path, Reserved("e", 7))
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"\xff", b"[]", b"7", b'{"epoch":"e"}', b'{"epoch":"e","reserved":-1}',
        b'{"epoch":"","reserved":1}', b'{"epoch":1,"reserved":1}', b'{"epoch":"e","reserved":"1"}',
        b'{"epoch":"e","reserved":true}', b'{"epoch":"e","reserved":1e300}',
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_nothing(tmp_path, text):
    (tmp_path / FILE_NAME).write_bytes(text)
    assert read_reserved(tmp_path) is None


def test_nothing_is_reserved_where_there_is_no_folder(tmp_path):
    assert read_reserved(tmp_path / "none") is None


def test_a_file_that_cannot_be_read_is_an_error_and_not_nothing(tmp_path):
    """Else its numbers would be given a second time."""
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - each system has its own
        read_reserved(tmp_path)
