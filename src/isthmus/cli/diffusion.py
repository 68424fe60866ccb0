"""``fit`` and ``sample`` of pictures that are made out of noise."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from isthmus.cli import options
from isthmus.cli.terminal import done
from isthmus.errors import UsageError

if TYPE_CHECKING:
    from isthmus.diffusion import Diffusion

OUTS = (".png", ".gif", ".npy")


def fit(
    data: Path, out: Path, code: str | None, others: dict[str, object], *, quiet: bool, json: bool, **settings: Any
) -> None:
    """Fit to pictures; `others` are options of other data, which must not be there."""
    for name, value in others.items():
        if value:
            raise UsageError(f"--{name} is not for diffusion; it takes --code, --budget, --seed, --device, --resume")
    if code is not None and not code.isdecimal():
        raise UsageError(f"--code {code}: diffusion goes through a code of planes; give how many, such as 4")
    options.check_out(out)
    from isthmus.diffusion import Diffusion

    state, planes = out.with_name(out.name + ".checkpoint"), None if code is None else int(code)
    model = Diffusion(planes, checkpoint=state, verbose=not quiet, **settings).fit(data)
    model.save(out)
    facts = model.inspect()
    told = {name: facts.get(name) for name in ("pictures", "size", "labels", "code", "weights", "steps", "seconds")}
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
    >>> code = {"planes": 4, "error": 6.3}
    >>> learnt({"pictures": 500, "size": [96, 128], "labels": [], "weights": 10000, "code": code}).partition("; ")[2]
    'through codes of 4 x 12 x 16, by which pixels are off by 6.3 of 255; no labels; 10,000 weights'
    """
    rows, columns = facts["size"]
    names = facts["labels"]
    shown = (
        f"{len(names)} labels: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}" if names else "no labels"
    )
    told = f"a diffusion model, learnt from {facts['pictures']:,} pictures of {columns} x {rows} pixels"
    if (code := facts.get("code")) is not None:
        size = f"{code['planes']} x {-(-rows // 8)} x {-(-columns // 8)}"
        told += f"; through codes of {size}, by which pixels are off by {code['error']:.1f} of 255"
    return f"{told}; {shown}; {facts['weights']:,} weights"
