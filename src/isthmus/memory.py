"""How much memory is free."""

from __future__ import annotations

import re
from pathlib import Path

MEMINFO = Path("/proc/meminfo")


def free_memory() -> int | None:
    """Give the bytes that can be had without pushing others out; None where the system does not tell."""
    found = re.search(r"MemAvailable:\s+(\d+)", MEMINFO.read_text(encoding="ascii")) if MEMINFO.is_file() else None
    return None if found is None else 1024 * int(found[1])
