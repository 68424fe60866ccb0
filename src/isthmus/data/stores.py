"""Where an index can be: a folder, or a server told by its address."""

from __future__ import annotations

from os import PathLike

from isthmus.data import bucketstore, pgstore
from isthmus.data.bucketstore import BucketStore
from isthmus.data.codestore import CodeStore
from isthmus.data.pgstore import PostgresStore
from isthmus.errors import UsageError

__all__ = ["Store", "store_of"]

Store = CodeStore | PostgresStore


def store_of(where: str | PathLike[str]) -> type[CodeStore] | type[PostgresStore]:
    """Choose the store of a place; an address of an unknown kind is a `UsageError`."""
    scheme = _scheme(where) if isinstance(where, str) else ""
    if scheme in pgstore.SCHEMES:
        return PostgresStore
    if scheme in bucketstore.SCHEMES:
        return BucketStore
    if scheme:
        known = ", ".join(f"{each}://" for each in (*bucketstore.SCHEMES[:-1], pgstore.SCHEMES[0]))
        raise UsageError(f"'{where}': no index can be at such an address; known are {known}, and folders")
    return CodeStore


def _scheme(address: str) -> str:
    return address.partition("://")[0] if "://" in address else ""
