"""The sentence as one module: cells -> corruption -> encoder -> code -> condition -> decoder -> likelihood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from isthmus.nets.codes import Code, parse_code
from isthmus.nets.columns import Cells, Columns, TableDistribution
from isthmus.nets.corruptions import CORRUPTIONS, Corruption, Mask, Noise, Spoilt
from isthmus.nets.decoders import TableDecoder
from isthmus.nets.dependence import dependence
from isthmus.nets.encoders import TableEncoder
from isthmus.nets.rules import Rules

BLUR = 0.1
"""Noise on the code, in units of about its own spread, that all but the means of numbers is read off in training.
Numbers pass a code almost exactly; without the blur, rows can be known by them and learnt by heart."""

CONDITION_DROPOUT = 0.1
"""Share of rows whose condition is hidden in training, so that decoding without it is known too
(Ho and Salimans 2022, "Classifier-free diffusion guidance")."""


DEPENDENCE = 5.0
"""Weight of a code's dependence on the condition: weaker, and it is outweighed by what exact numbers are worth."""


class Hourglass(nn.Module):
    """An autoencoder of a table's rows.

    Parameters
    ----------
    columns
        The variables' likelihoods.
    code
        What the middle is; its `size` must be known.
    width, blocks
        Width of the hidden states, and residual blocks on either side of the code.
    condition
        Columns that the decoder reads as well, so that the code need not carry them.
    corruption
        What is spoilt before encoding in training; none makes a plain autoencoder.
    visible, numbers
        Weights of the losses of cells that were not hidden, and of numbers' errors beside their histograms.
    rules
        What columns say of each other without exception; learnt after training, none before.
    offsets
        Whether means of hidden numbers may leave their histograms'; by default where cells are hidden in training.
    """

    drift: Tensor
    """What is added to the logits of tokens when rows are made up, learnt after training."""

    def __init__(
        self,
        columns: Columns,
        code: Code,
        *,
        width: int,
        blocks: int = 2,
        condition: Sequence[int] = (),
        corruption: Sequence[Corruption] = (),
        visible: float = 0.3,
        numbers: float = 1.0,
        rules: Rules | None = None,
        offsets: bool | None = None,
    ) -> None:
        super().__init__()
        assert code.size is not None
        self.columns = columns
        self.code, self.width, self.depth = code, width, blocks
        self.condition, self.corruption = list(condition), tuple(corruption)
        self.visible, self.numbers = visible, numbers
        noisy = any(isinstance(kind, Noise) for kind in corruption)
        self.encoder = TableEncoder(columns, width, blocks, code.projected, noisy=noisy)
        self.offsets = self.unmasks if offsets is None else offsets
        self.decoder = TableDecoder(columns, code.size, width, blocks, condition, offsets=self.offsets)
        self.register_buffer("drift", torch.zeros(columns.total))
        self.rules = rules or Rules()

    def config(self) -> dict[str, Any]:
        """Everything `from_config` needs to build the same, empty of weights."""
        return {
            "columns": self.columns.facts(),
            "code": self.code.to_dict(),
            "width": self.width,
            "blocks": self.depth,
            "condition": self.condition,
            "corruption": [kind.to_dict() for kind in self.corruption],
            "visible": self.visible,
            "numbers": self.numbers,
            "rules": self.rules.facts(),
            "offsets": self.offsets,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Hourglass:
        """Build an hourglass from its configuration, to be filled with weights from a file."""
        code = dict(config["code"])
        kind = type(parse_code(code.pop("name")))
        corruption = [dict(each) for each in config["corruption"]]
        return cls(
            Columns.from_facts(config["columns"]),
            kind(**code),
            width=config["width"],
            blocks=config["blocks"],
            condition=config["condition"],
            corruption=[CORRUPTIONS[each.pop("name")](**each) for each in corruption],
            visible=config["visible"],
            numbers=config["numbers"],
            rules=Rules.from_facts(config["rules"]),
            offsets=config.get("offsets", False),
        )

    @property
    def unmasks(self) -> bool:
        """Whether it was trained with hidden cells, and so can fill rows cell by cell."""
        return any(isinstance(kind, Mask) for kind in self.corruption)

    def encode(self, cells: Cells, level: Tensor | None = None) -> Tensor:
        """Cells to codes (rows, size), without any randomness."""
        return self.code.encode(self.project(cells, level))

    def project(self, cells: Cells, level: Tensor | None = None) -> Tensor:
        """Cells to pre-codes (rows, projected), of which the code is made."""
        level = cells.token.new_zeros((cells.token.shape[0], 1), dtype=torch.float) if level is None else level
        pre: Tensor = self.encoder(cells, level, self.columns)
        return pre

    def decode(self, code: Tensor, given: Cells | None = None) -> TableDistribution:
        """Codes (rows, size) to distributions; without `given` the condition columns count as hidden."""
        return self._distribution(self.code.decode(code), given)

    def _distribution(self, read: Tensor, given: Cells | None) -> TableDistribution:
        out: TableDistribution = self.decoder(read, self.condition_cells(read, given), self.columns)
        return out

    def condition_cells(self, read: Tensor, given: Cells | None) -> Cells | None:
        """Give what the decoder reads beside the code: `given`, or all hidden where nothing is given."""
        if not self.condition or given is not None:
            return given
        nothing = torch.full((len(read), len(self.columns.sizes)), torch.nan, dtype=torch.float64, device=read.device)
        return self.columns.tokenize(nothing, torch.ones_like(nothing, dtype=torch.bool))

    def forward(self, cells: Cells, level: Tensor | None = None) -> TableDistribution:
        """Cells to what the decoder says about all of them, through the code."""
        return self.decode(self.encode(cells, level), cells if self.condition else None)

    def losses(self, x: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Named losses of a batch of values (rows, columns), each a mean over cells.

        `hidden` and `visible`
            nats a cell, of cells that were hidden and of those that were seen.
        `numbers`
            log of the error of the numbers that were seen, in the column's own standard deviations: the likelihood
            of a normal whose variance is the best one (Rybkin et al. 2021, "Simple and effective VAE training with
            calibrated decoders", eq. 6), spread over all cells.
        `means`
            the same of the means of numbers that were hidden.
        `kl`
            nats a cell, so that its sum with `visible` bounds the likelihood.
        `dependence`
            of the codes of whole rows on the condition columns, from 0 to 1.
        """
        clean = self.columns.tokenize(x)
        spoilt = Spoilt(x, torch.zeros_like(x, dtype=torch.bool), torch.zeros(len(x), 1, device=x.device))
        for kind in self.corruption:
            spoilt = kind(spoilt, self.columns, rng)
        unchanged = spoilt.values is x  # cells were hidden at most: reading them once is enough
        told = clean if unchanged else self.columns.tokenize(spoilt.values)
        seen = self.columns.hide(told, spoilt.hidden)
        read, losses = self.code.forward(self.project(seen, spoilt.level), rng)
        blurred = read + BLUR * torch.randn(read.shape, generator=rng, device=read.device) if self.unmasks else None
        given = self._given(seen, rng) if self.condition else None
        said = self.decoder(read, given, self.columns, blurred)
        known = ~clean.hidden  # an unseen category has no token to be asked for
        nats = -said.log_prob(clean.token)
        seen_now = known & ~seen.hidden
        out = {"visible": _mean(nats, seen_now)}
        if self.unmasks:
            out["hidden"] = _mean(nats, known & seen.hidden)
        if self.columns.numeric:
            number, there = self.columns.standardise(x), ~x.isnan()[:, self.columns.places]
            shown = seen_now[:, self.columns.places] & there
            out["numbers"] = _log_error((said.numbers - number).square(), shown) / len(self.columns.sizes)
            if self.offsets:
                asked = seen.hidden[:, self.columns.places] & there
                out["means"] = _log_error((said.expected() - number).square(), asked) / len(self.columns.sizes)
        if self.condition:
            asked = known[:, self.condition].all(1)
            out["dependence"] = dependence(self.encode(clean)[asked], self._facts(clean)[asked])
        if "kl" in losses:
            out["kl"] = losses["kl"] / x.shape[1]
        return out

    def row_losses(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Losses (rows,) of values (rows, columns), each of which depends on its own row and on chance alone.

        Nats of cells as in `losses`, a share of them hidden that is drawn for each row on its own. Errors of numbers
        are left out: their logs are taken over a batch.
        """
        clean = self.columns.tokenize(x)
        share = torch.rand((len(x), 1), generator=rng, device=x.device)
        seen = self.columns.hide(clean, torch.rand(x.shape, generator=rng, device=x.device) < share)
        read, _ = self.code.forward(self.project(seen), rng)
        blurred = read + BLUR * torch.randn(read.shape, generator=rng, device=read.device)
        nats = -self.decoder(read, None, self.columns, blurred).log_prob(clean.token)
        known = ~clean.hidden
        asked, shown = known & seen.hidden, known & ~seen.hidden
        return _row_sum(nats, asked) + self.visible * _row_sum(nats, shown)

    def _given(self, seen: Cells, rng: torch.Generator) -> Cells:
        dropped = torch.rand((len(seen.token), 1), generator=rng, device=seen.token.device) < CONDITION_DROPOUT
        hidden = seen.hidden | dropped
        number = torch.where(hidden[:, self.columns.places], 0.0, seen.number)
        return seen._replace(hidden=hidden, number=number)

    def _facts(self, cells: Cells) -> Tensor:
        """Condition columns (rows, any) as numbers: categories one-hot, numbers in standard deviations."""
        places = {j: i for i, j in enumerate(self.columns.numeric)}
        facts = [
            cells.number[:, [places[j]]] if j in places else one_hot(cells.token[:, j], self.columns.sizes[j]).float()
            for j in self.condition
        ]
        return torch.cat(facts, 1)

    def weights(self, share: float) -> dict[str, float]:
        """How much each loss counts at a share of the run; `kl` is warmed up over its first third."""
        visible = self.visible if self.unmasks else 1.0
        beta = getattr(self.code, "beta", 0.0)
        return {
            "hidden": 1.0,
            "visible": visible,
            "means": 1.0,
            "numbers": visible * self.numbers,
            "dependence": DEPENDENCE,
            "kl": beta * min(1.0, share * 3 + 0.01),
        }


_SURE = 0.05**2
"""Squared error, in squared standard deviations, below which precision earns little: without it, the pull to
rebuild numbers ever more exactly swamps all other gradients."""


def _mean(nats: Tensor, chosen: Tensor) -> Tensor:
    """Mean over the chosen cells (rows, columns), those of a row with n of them weighing n^-1/2 each.

    Cells alike would leave the first cells of a made-up row, which nearly empty rows teach, to few of the weights;
    rows alike (Uria et al. 2014) leave too few to the last.
    """
    weight = chosen / chosen.sum(1, keepdim=True).clamp(min=1).sqrt()
    return (nats * weight).sum() / weight.sum().clamp(min=1e-6)


def _row_sum(nats: Tensor, chosen: Tensor) -> Tensor:
    """Sum (rows,) over a row's chosen cells, weighed as in `_mean`."""
    return (nats * chosen).sum(1) / chosen.sum(1).clamp(min=1).sqrt()


def _log_error(squared: Tensor, shown: Tensor) -> Tensor:
    """Half the log of each column's mean squared error over the shown cells, summed over columns."""
    count = shown.sum(0)
    error = (squared * shown).sum(0) / count.clamp(min=1)
    return (0.5 * torch.log(error + _SURE) * (count > 0)).sum()
