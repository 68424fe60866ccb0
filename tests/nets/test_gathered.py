"""Products that touch only active features equal those that touch all."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.nets import gathered


def problem(rows=37, width=12, size=40, k=5, seed=0):
    rng = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, width, generator=rng)
    encoder, decoder = (torch.randn(size, width, generator=rng).requires_grad_() for _ in range(2))
    offset = torch.randn(size, generator=rng).requires_grad_()
    return x, encoder, decoder, offset, k * rows


def sparse_step(x, encoder, decoder, offset, count):
    active, values, _ = gathered.largest(gathered.product(x, encoder, offset), count)
    values = gathered.encode(x, encoder, offset, values, active)
    return gathered.decode(values, active, decoder), active


def dense_step(x, encoder, decoder, offset, active):
    pre = x @ encoder.T + offset
    mask = torch.zeros_like(pre)
    mask[active.rows, active.features] = 1
    return (pre * mask) @ decoder


@pytest.mark.parametrize("size", [40, 37], ids=["in groups", "without"])
def test_values_and_gradients_equal_the_dense_ones(size):
    x, encoder, decoder, offset, count = problem(size=size)
    rebuilt, active = sparse_step(x, encoder, decoder, offset, count)
    expected = dense_step(x, encoder, decoder, offset, active)
    torch.testing.assert_close(rebuilt, expected)
    weights = [encoder, decoder, offset]
    found = torch.autograd.grad((rebuilt - x).square().sum(), weights)
    wanted = torch.autograd.grad((expected - x).square().sum(), weights)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-4)


def test_bags_sum_entries_by_number():
    x, encoder, decoder, offset, count = problem()
    _, active = sparse_step(x, encoder, decoder, offset, count)
    values = torch.rand(len(active.rows))
    bags = active.rows // 2
    rebuilt = gathered.decode(values, active, decoder, bags, 19)
    expected = torch.zeros(19, x.shape[1]).index_add_(0, bags, values[:, None] * decoder[active.features])
    torch.testing.assert_close(rebuilt, expected)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 9),
    size=st.sampled_from([3, 8, 24]),
    share=st.floats(0.01, 1),
    guess=st.floats(0, 5),
    seed=st.integers(0, 999),
    levels=st.integers(2, 50),
)
def test_the_largest_are_found_whatever_is_guessed(rows, size, share, guess, seed, levels):
    rng = torch.Generator().manual_seed(seed)
    matrix = torch.randint(-levels, levels, (rows, size), generator=rng).float() / 7
    count = max(1, int(share * rows * size))
    active, values, least = gathered.largest([matrix], count, guess)
    found = matrix[active.rows, active.features]
    assert torch.equal(found, values)
    assert (values > 0).all() and (active.rows.diff() >= 0).all()
    positive = matrix[matrix > 0].sort(descending=True).values
    expected = positive if len(positive) <= count else positive[positive >= positive[count - 1]]
    assert torch.equal(values.sort(descending=True).values, expected)
    assert least >= 0


def test_a_feature_active_in_no_row_gets_no_gradient():
    x, encoder, decoder, offset, _ = problem()
    with torch.no_grad():
        offset[3] = -1e6
    rebuilt, active = sparse_step(x, encoder, decoder, offset, 50)
    rebuilt.sum().backward()
    assert int(active.counts[3]) == 0 and int(active.counts.sum()) == len(active.rows)
    assert not encoder.grad[3].any() and not decoder.grad[3].any()


@pytest.mark.parametrize("count", [0, 1, 90])
def test_sums_by_feature_are_the_same_in_a_fixed_order(count):
    rng = torch.Generator().manual_seed(count)
    rows = torch.randint(0, 6, (count,), generator=rng).sort().values
    active = gathered.Active(rows, torch.randint(0, 11, (count,), generator=rng), (6, 11))
    entries = torch.randn(count, generator=rng)
    torch.testing.assert_close(gathered._in_order(entries, active), gathered._added(entries, active))


def test_a_product_in_bf16_finds_nearly_the_same():
    x, encoder, _, offset, count = problem(rows=700)
    exactly, rounded = (torch.cat(gathered.product(x, encoder, offset, bf16=bf16)) for bf16 in (False, True))
    assert rounded.dtype == torch.float32
    assert 0 < (exactly - rounded).abs().max() < 0.1
    one, other = (gathered.largest([product], count)[0] for product in (exactly, rounded))
    places = [set(zip(each.rows.tolist(), each.features.tolist(), strict=True)) for each in (one, other)]
    assert len(places[0] & places[1]) > 0.97 * count
