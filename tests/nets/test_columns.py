"""Variables side by side are read as each is alone."""

import pytest
import torch

from isthmus.nets.columns import Columns
from isthmus.nets.likelihoods import UNKNOWN, Categorical, Numeric


def column(rng, kind):
    """Make a column (200,) of values of a kind, some missing."""
    if kind == "category":
        return torch.randint(5, (200,), generator=rng).double()
    values = torch.randn(200, generator=rng, dtype=torch.float64) * 10.0 ** int(
        torch.randint(-3, 8, (1,), generator=rng)
    )
    values = values.round() if kind == "count" else values
    return torch.where(torch.rand(200, generator=rng) < 0.2, torch.nan, values) if kind == "gaps" else values


@pytest.mark.parametrize(
    "kinds", [("category", "number", "count", "gaps", "category"), ("category",), ("gaps", "count")]
)
def test_tokens_of_all_columns_are_those_of_each(kinds):
    rng = torch.Generator().manual_seed(len(kinds))
    x = torch.stack([column(rng, kind) for kind in kinds], 1)
    each = [
        Categorical.learn(x[:, j], 5) if kind == "category" else Numeric.learn(x[:, j]) for j, kind in enumerate(kinds)
    ]
    columns = Columns(each)
    strange = [torch.nan, torch.inf, -torch.inf, 1e308, -1e308, 0.0, -1.0, 7.0]
    x = torch.cat([x, torch.tensor(strange, dtype=torch.float64)[:, None].expand(-1, len(kinds))])
    cells = columns.tokenize(x)
    alone = torch.stack([likelihood.tokens(x[:, j]) for j, likelihood in enumerate(each)], 1)
    assert torch.equal(cells.token, alone.clamp(min=0))
    assert torch.equal(cells.hidden, alone == UNKNOWN)
    numbers = [each[j].standardise(x[:, j]).nan_to_num(0.0).float() for j in columns.numeric]
    shown = ~cells.hidden[:, columns.numeric]
    wanted = torch.stack(numbers, 1) if numbers else x[:, :0].float()
    assert torch.equal(cells.number, torch.where(shown, wanted, 0.0))
