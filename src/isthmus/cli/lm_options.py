"""Arguments and options that verbs on language models share."""

from pathlib import Path
from typing import Annotated

from isthmus.cli.words import word

LM = Annotated[Path, word(metavar="LM", type=Path, help="a folder in transformers' layout, or a .gguf file")]
Column = Annotated[str | None, word("--column", metavar="NAME", help="the key or column of .jsonl and .parquet: text")]
Unit = Annotated[
    str | None,
    word("--unit", metavar="UNIT", help="a passage of a text: line, paragraph or file; by default by the file"),
]
