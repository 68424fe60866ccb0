"""Writing files so that a failed run leaves the old one whole."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path

from isthmus.errors import FileError

__all__ = ["writing"]


@contextmanager
def writing(path: str | PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to it when the block ends well and removed when it fails.

    The temporary name ends like the real one, so that writers which go by the extension work. Who may read the file is
    as it was, or as it is for any new file there.
    Raises `FileError` when the folder is missing, `path` is a folder, or the system refuses to write.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with writing(folder / "codes.txt") as temporary:
    ...     _ = temporary.write_text("1 2 3")
    >>> [file.name for file in folder.iterdir()]
    ['codes.txt']
    """
    target = Path(path).resolve()  # through links: the file they point to is replaced, not the link
    if target.is_dir():
        raise FileError(f"'{path}' is a folder: name a file to write to")
    if not target.parent.is_dir():
        raise FileError(f"'{path}' cannot be written: there is no folder '{target.parent}'")
    device = target.exists() and not target.is_file()  # /dev/null, a pipe: nothing to rename onto
    temporary = target if device else target.with_name(f".{secrets.token_hex(4)}.{target.name}")
    try:
        mode = None if device else _mode(target, temporary)
        yield temporary
        if mode is not None:
            with suppress(PermissionError):  # a file system without such modes
                temporary.chmod(mode)  # writers of some formats let nobody but the owner read what they wrote
            temporary.replace(target)
    except OSError as error:
        raise FileError(f"'{path}' cannot be written: {error.strerror or error}") from error
    finally:
        if not device:
            temporary.unlink(missing_ok=True)


def _mode(target: Path, temporary: Path) -> int:
    """Tell who may read and write a file: what is there, or what is new, as the system makes it."""
    if target.exists():
        return target.stat().st_mode & 0o7777
    temporary.touch()
    mode = temporary.stat().st_mode & 0o7777
    temporary.unlink()
    return mode
