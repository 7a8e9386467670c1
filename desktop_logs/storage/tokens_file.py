"""The hub's tokens in a file that is its owner's alone. Makes them; knows nothing of what they allow."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from desktop_logs.core.access import Tokens, check_token
from desktop_logs.core.errors import StorageError, UserError

TOKEN_BYTES = 24
_MOST_BYTES = 10_000
_NAMES = ("viewer", "producer")


def new_token() -> str:
    """One that nobody guesses: 24 bytes of chance, as 32 characters."""
    while (token := secrets.token_urlsafe(TOKEN_BYTES)).startswith("-"):
        pass  # a command line would take it for an option
    return token


def tokens_command(data_dir: Path, *options: str) -> str:
    """What a person types to see the tokens in *data_dir*, as a shell takes it: macOS' own folder has a blank in it."""
    folder = shlex.quote(str(data_dir)) if os.name == "posix" else f'"{data_dir}"'
    return " ".join(("desktop-logs tokens", *options, "--data-dir", folder))


def read_tokens(path: Path) -> Tokens | None:
    """The tokens in *path*; None when there is no such file. Raises StorageError with what to do, also for a file that
    others may read: whoever did has them."""
    make_new = f"Mend it, or make new ones with: {tokens_command(path.parent, '--new')}"
    try:
        with path.open("rb") as file:
            if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise StorageError(
                    f"The tokens in {path} can be read by others. Make new ones, which are yours alone, with: "
                    f"{tokens_command(path.parent, '--new')} (or keep these with: chmod 600 {shlex.quote(str(path))})"
                )
            text = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise StorageError(f"Cannot read the tokens in {path}: {fault.strerror or fault}. {make_new}") from None
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise StorageError(f"{path} is not JSON. {make_new}") from None
    if not isinstance(told, dict) or set(told) != set(_NAMES) or not all(isinstance(told[name], str) for name in told):
        raise StorageError(f'{path} must hold {{"viewer":"…","producer":"…"}}. {make_new}')
    tokens = Tokens(**told)
    try:
        for name in _NAMES:
            check_token(told[name])
    except UserError as wrong:
        raise StorageError(f"{path}: {wrong} {make_new}") from None
    if tokens.viewer == tokens.producer:
        raise StorageError(f"{path}: viewer and producer must differ. {make_new}")
    return tokens


def make_tokens(path: Path, *, replace: bool = False, new: Callable[[], str] = new_token) -> Tokens:
    """New tokens, kept in *path*, whole or not at all and never readable for others. Those that are there already are
    returned instead, also when another program has made them in this moment, unless *replace*. Raises StorageError."""
    if not replace and (kept := read_tokens(path)) is not None:
        return kept
    tokens = Tokens(new(), new())
    text = json.dumps({"viewer": tokens.viewer, "producer": tokens.producer}, indent=2) + "\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp gives it the mode 0600 as it makes it. (On Windows the folder of the user's profile is theirs alone.)
        part, part_name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        try:
            with os.fdopen(part, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            _put(Path(part_name), path, replace=replace)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(part_name)
    except FileExistsError:
        return make_tokens(path, new=new)  # another program was faster
    except OSError as fault:
        raise StorageError(
            f"Cannot keep the tokens in {path}: {fault.strerror or fault}. Make the folder writable for you, or choose "
            "another one with --data-dir."
        ) from None
    return tokens


def _put(part: Path, path: Path, *, replace: bool) -> None:
    """Give *part* its name. Raises FileExistsError when the name is taken, unless *replace*."""
    if replace:
        os.replace(part, path)
        return
    try:
        os.link(part, path)  # unlike a rename it fails where the name is taken
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links, on which two programs that start in one moment are left to chance.
        if path.exists():
            raise FileExistsError from None
        os.replace(part, path)
