"""``doctor``: whether isthmus can work here."""

from pathlib import Path
from typing import Annotated

from isthmus.cli import options
from isthmus.cli.terminal import say, to_json
from isthmus.cli.words import word
from isthmus.errors import DataError


def doctor(
    folder: Annotated[
        Path, word("--folder", metavar="FOLDER", type=Path, help="where models are to be kept; by default here")
    ] = Path("."),
    json: options.Json = False,
) -> None:
    """Say whether isthmus can work here.

    Versions, extras, device, memory, disks, and a tiny table fitted, saved, loaded and filled, in some
    seconds. Ends with exit code 1 if anything is wrong, and a line for each such thing.

    For example:

      isthmus doctor
      isthmus doctor --folder models/ --json
    """
    from isthmus.health import examine

    findings = []
    for finding in examine(folder):
        findings.append(finding)
        if not json:
            print(f"{finding.what:<11}{finding.found}", flush=True)
    wrong = [finding for finding in findings if finding.wrong]
    if json:
        told = {each.what: {"found": each.found, "wrong": each.wrong or None, **each.facts} for each in findings}
        print(to_json({"well": not wrong, **told}))
    for finding in wrong:
        say(f"isthmus: {finding.what}: {finding.wrong}")
    if wrong:
        raise DataError(f"{len(wrong)} of {len(findings)} things are wrong: {', '.join(each.what for each in wrong)}")
