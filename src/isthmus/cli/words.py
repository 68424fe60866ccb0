"""A verb is one function: its signature is its arguments and options, its docstring is its help.

Built on argparse, which answers ``--help`` in a tenth of the time that larger frameworks need to be imported,
and lets an option take several values (``--drop id name``).
"""

import argparse
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, get_args

from isthmus.errors import UsageError


@dataclass(frozen=True)
class Word:
    """One argument (no flags) or option, as metadata of a parameter's ``Annotated`` type.

    Parameters
    ----------
    flags
        ``("--out", "-o")``; none for an argument that is known by its place.
    settings
        Keywords of ``argparse.ArgumentParser.add_argument``.
    """

    flags: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)


def word(*flags: str, **settings: Any) -> Word:
    """Describe an argument or option; see ``Word``."""
    return Word(flags, settings)


def several(*flags: str, **settings: Any) -> Word:
    """Describe an option that takes one value or more, and may be repeated."""
    return Word(flags, {"nargs": "+", "action": "extend", **settings})


def switch(*flags: str, **settings: Any) -> Word:
    """Describe an option that is said or not."""
    return Word(flags, {"action": "store_true", **settings})


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Make a reader of whole numbers from `least` to `most`.

    Examples
    --------
    >>> whole(2, 3)("2")
    2
    """

    def read(text: str) -> int:
        wanted = f"of {least} or more" if most is None else f"from {least} to {most}"
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {wanted}") from None
        if number < least or (most is not None and number > most):
            raise argparse.ArgumentTypeError(f"{text} is not a whole number {wanted}")
        return number

    return read


def share(text: str) -> float:
    """Read a share, more than 0 and less than 1.

    Examples
    --------
    >>> share("0.2")
    0.2
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share between 0 and 1, such as 0.2")
    return number


def _help(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=30)


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises instead of printing and leaving."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=_help, allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """Raise the one line that the user sees."""
        raise UsageError(f"{message}; see '{self.prog} --help'")


@dataclass(frozen=True)
class Group:
    """A word that stands before verbs, as `lm` in `isthmus lm harvest`; alone, it shows their help.

    Parameters
    ----------
    about
        Its help; the first sentence is listed with the verbs.
    verbs
        Those that follow it.
    ending
        What its help ends with.
    """

    about: str
    verbs: Mapping[str, Callable[..., None]]
    ending: str = ""


def summary(verb: Callable[..., None] | Group) -> str:
    """Give the first sentence of a verb's help."""
    return ((verb.about if isinstance(verb, Group) else inspect.getdoc(verb)) or "").partition("\n")[0]


def add_verbs(root: Parser, table: Mapping[str, Callable[..., None] | Group], ending: str = "") -> None:
    """Give a parser verbs, each listed in its help with its first sentence, before `ending`."""
    lines = [f"  {name:<13}{summary(verb)}" for name, verb in table.items()]
    root.epilog = "\n".join(["verbs:", *lines, ending])
    root.usage = f"{root.prog} VERB ..."
    verbs = root.add_subparsers(metavar="VERB", prog=root.prog, help=argparse.SUPPRESS)
    for name, verb in table.items():
        if isinstance(verb, Group):
            parser = verbs.add_parser(name, description=verb.about)
            parser.set_defaults(verb=parser.print_help)
            add_verbs(parser, verb.verbs, verb.ending)
        else:
            add_verb(verbs, name, verb)


def add_verb(verbs: "argparse._SubParsersAction[Parser]", name: str, verb: Callable[..., None]) -> None:
    """Add a parser for `verb`, which is called with one keyword for each of its parameters."""
    parser = verbs.add_parser(name, description=inspect.getdoc(verb))
    parser.set_defaults(verb=verb)
    order = [parser.prog]
    for parameter in inspect.signature(verb).parameters.values():
        says: Word = get_args(parameter.annotation)[-1]
        needed = parameter.default is inspect.Parameter.empty
        if not says.flags:
            parser.add_argument(parameter.name, **says.settings)
            order.append(says.settings["metavar"] if needed else f"[{says.settings['metavar']}]")
        elif needed:
            parser.add_argument(*says.flags, dest=parameter.name, required=True, **says.settings)
            order += [says.flags[0], says.settings["metavar"]]
        else:
            parser.add_argument(*says.flags, dest=parameter.name, default=parameter.default, **says.settings)
    parser.usage = " ".join([*order, "[options]"])
