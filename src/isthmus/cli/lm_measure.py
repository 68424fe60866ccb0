"""``lm measure``: what sparse autoencoders keep of a language model's activations."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from isthmus.cli import options
from isthmus.cli.lm_options import LM, Column, Unit
from isthmus.cli.terminal import done, print_rows
from isthmus.cli.words import several, whole, word
from isthmus.errors import UsageError


def measure(
    sae: Annotated[
        list[Path],
        word(metavar="SAE", type=Path, nargs="+", help="sparse autoencoders that `isthmus fit ACTS` wrote"),
    ],
    lm: LM,
    text: Annotated[Path, word(metavar="TEXT", type=Path, help="text that they did not learn from: .txt, .jsonl, ...")],
    more: Annotated[list[str] | None, several("--more", metavar="TEXT", help="further texts, read in turn")] = None,
    tokens: Annotated[int, word("--tokens", metavar="N", type=whole(100), help="tokens to read; 20,000")] = 20_000,
    concept: Annotated[
        list[str] | None,
        several("--concept", metavar="FILE", help="passages that have something, to be told by few features"),
    ] = None,
    against: Annotated[list[str] | None, several("--against", metavar="FILE", help="passages that do not")] = None,
    plot: Annotated[
        Path | None, word("--plot", metavar="PNG", type=Path, help="draw what they keep over their L0")
    ] = None,
    column: Column = None,
    unit: Unit = None,
    device: Annotated[str, word("--device", metavar="NAME", help="cpu, cuda or mps; by default the best there is")] = (
        "auto"
    ),
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Measure what sparse autoencoders keep of a language model's activations.

    L0, variance explained and dead features, of activations; and of predictions, with what they rebuild in the place
    of activations: the share of cross-entropy recovered against the mean and against zero, the nats a token it costs,
    how often the likeliest next token stays. Of several at one layer, how many features are found again in the first.
    docs/measure.md says what these mean, and what they hide.

    For example:

      isthmus lm measure sae.isthmus model.gguf new.txt
      isthmus lm measure k16.isthmus k32.isthmus k64.isthmus model.gguf new.txt --plot pareto.png
      isthmus lm measure sae.isthmus model.gguf new.txt --concept fr.txt --against en.txt de.txt --json
    """
    if (concept is None) != (against is None):
        raise UsageError("--concept and --against go together: passages that have something, and others that do not")
    if plot is not None:
        options.check_out(plot, (".png",), inputs=[*sae, text])
    from isthmus.language import LanguageModel
    from isthmus.measured import measure as measured

    found = measured(
        LanguageModel(lm, device=device),
        sae,
        [text, *(more or [])],
        tokens=tokens,
        concept=concept,
        against=against,
        column=column,
        unit=unit,
        seed=seed,
    )
    if plot is not None:
        from isthmus.report.pareto import pareto_picture

        pareto_picture(
            [{**row, "name": row["code"].partition(":")[0]} for row in found], plot, f"{lm.name}, {text.name}"
        )
    if json:
        done("", {"measured": found}, quiet=quiet, as_json=True)
    else:
        _show(found)


def _show(found: Sequence[Mapping[str, Any]]) -> None:
    """Print a line for each, and what there is beside."""
    names = ("name", "code", "layer", "l0", "explained", "dead", "recovered", "recovered_zero", "added", "same")
    beside = ("found_again", "cosine")
    shown = [*names, *(name for name in beside if any(name in row for row in found))]
    print_rows([{name: row.get(name) for name in shown} for row in found])
    for row in found:
        if "probes" in row:
            print(f"\n{row['name']}: told apart on passages held out, by\n")
            print_rows(_probes(row["probes"]))
            split = row["splitting"]
            print(
                f"\nmain feature {split['main']}; split into {split['split']}; misses {100 * split['missed']:.1f} % of "
                f"those that have it, of which others catch {100 * split['absorbed']:.1f} %"
            )


def _probes(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for kind, words in (("features", "feature"), ("numbers", "number of the activation")):
        for k, probe in found[kind].items():
            which = " ".join(map(str, probe["columns"]))
            figures = {name: probe[name] for name in ("auroc", "accuracy", "f1")}
            rows.append({"by": f"{k} {words}{'s' if int(k) > 1 else ''}", **figures, "which": which})
    return [*rows, {"by": "the whole activation", **found["all"], "which": ""}]
