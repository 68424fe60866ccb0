"""``fit`` and ``sample`` of pictures that are made out of noise."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from isthmus.cli import options
from isthmus.cli.terminal import done
from isthmus.errors import UsageError

if TYPE_CHECKING:
    from isthmus.diffusion import Diffusion

OUTS = (".png", ".gif", ".npy")


def fit(data: Path, out: Path, others: dict[str, object], *, quiet: bool, json: bool, **settings: Any) -> None:
    """Fit to pictures; `others` are options of other data, which must not be there."""
    for name, value in others.items():
        if value:
            raise UsageError(f"--{name} is not for diffusion; it takes --budget, --seed, --device, --resume")
    options.check_out(out)
    from isthmus.diffusion import Diffusion

    model = Diffusion(checkpoint=out.with_name(out.name + ".checkpoint"), verbose=not quiet, **settings).fit(data)
    model.save(out)
    facts = model.inspect()
    told = {name: facts[name] for name in ("pictures", "size", "labels", "weights", "steps", "seconds")}
    done(f"wrote {out}: {learnt(facts)}", {"model": out, **told}, quiet=quiet, as_json=json)


def sample(
    model: "Diffusion",
    out: Path,
    n: int,
    given: list[str] | None,
    *,
    steps: int,
    guidance: float,
    watch: bool,
    seed: int,
    quiet: bool,
    json: bool,
) -> None:
    """Make pictures: a sheet (.png), numbers (.npy), an animation (.gif), or a folder of them."""
    if out.suffix and out.suffix.lower() not in OUTS:
        raise UsageError(f"'{out}': pictures are written to {', '.join(OUTS)}, or to a folder")
    import numpy as np

    from isthmus.data.sources import write_table
    from isthmus.report.sheets import save_each, save_film, save_sheet

    shown = label(given)
    if watch or out.suffix.lower() == ".gif":
        frames = model.watch(n, shown, steps=steps, seed=seed)
        if out.suffix.lower() == ".gif":
            save_film(out, frames)
        elif out.suffix.lower() == ".png":
            chosen = frames[np.linspace(0, len(frames) - 1, min(10, len(frames))).round().astype(int)]
            save_sheet(out, chosen.swapaxes(0, 1).reshape(-1, *frames.shape[2:]), columns=len(chosen))
        else:
            raise UsageError("--watch shows noise turn into pictures: name a .png or a .gif")
    else:
        made = model.sample(n, shown, steps=steps, guidance=guidance, seed=seed)
        if out.suffix.lower() == ".png":
            save_sheet(out, made)
        elif out.suffix:
            write_table(made.reshape(n, -1), out)
        else:
            save_each(out, made)
    done(f"wrote {out}: {n:,} pictures", {"out": out, "pictures": n}, quiet=quiet, as_json=json)


def label(given: list[str] | None) -> str | None:
    """Read what pictures are to show.

    >>> label(["label=7"])
    '7'
    """
    if not given:
        return None
    name, is_, value = given[0].partition("=")
    if len(given) > 1 or name != "label" or not is_ or not value:
        raise UsageError(f"--given {' '.join(given)}: of pictures, write label=NAME, once")
    return value


def learnt(facts: dict[str, Any]) -> str:
    """Say what was learnt from.

    >>> learnt({"pictures": 500, "size": [28, 28], "labels": ["0", "1"], "weights": 10000})
    'a diffusion model, learnt from 500 pictures of 28 x 28 pixels; 2 labels: 0, 1; 10,000 weights'
    """
    rows, columns = facts["size"]
    names = facts["labels"]
    shown = (
        f"{len(names)} labels: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}" if names else "no labels"
    )
    told = f"a diffusion model, learnt from {facts['pictures']:,} pictures of {columns} x {rows} pixels; {shown}"
    return f"{told}; {facts['weights']:,} weights"
