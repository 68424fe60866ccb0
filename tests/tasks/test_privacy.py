"""What is promised is what the noise gives: accounts, counts and rows drawn from them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import UsageError
from isthmus.tasks import counts, privacy, standin
from isthmus.tasks.counts import Domain, count, projected
from isthmus.tasks.fit import columns_of
from isthmus.tasks.standin import Tree
from isthmus.training.private import Chance

pytest.importorskip("opacus")


def test_accounts_are_opacus_own():
    from opacus.accountants import PRVAccountant, RDPAccountant

    for kind, bound in ((PRVAccountant, "prv"), (RDPAccountant, "rdp")):
        theirs = kind()
        for _ in range(200):
            theirs.step(noise_multiplier=1.1, sample_rate=0.01)
        assert privacy.epsilon([(1.1, 0.01, 200)], 1e-5, bound=bound) == pytest.approx(theirs.get_epsilon(1e-5))


def test_one_normal_noise_has_its_exact_epsilon():
    from scipy.stats import norm

    def delta(epsilon, s):  # Balle and Wang 2018, "Improving the Gaussian mechanism", theorem 8
        return norm.cdf(0.5 / s - epsilon * s) - np.exp(epsilon) * norm.cdf(-0.5 / s - epsilon * s)

    for s in (1.5, 3.0):
        found = privacy.epsilon([(s, 1.0, 1)], 1e-5)
        assert delta(found, s) <= 1e-5
        assert delta(found - 0.05, s) > 1e-5


def test_many_small_noises_are_one_large():
    assert privacy.epsilon([(8.0, 1.0, 4)], 1e-6) == pytest.approx(privacy.epsilon([(4.0, 1.0, 1)], 1e-6), abs=0.03)


@pytest.mark.parametrize("epsilon", [0.3, 3.0])
def test_all_that_is_allowed_is_spent_and_no_more(epsilon):
    shares = privacy.share_out(epsilon, 1e-6, 0.02, 500)
    spent = privacy.epsilon(shares.counted + shares.stepped, 1e-6)
    assert spent <= epsilon
    assert spent > 0.93 * epsilon
    assert privacy.epsilon(shares.counted, 1e-6) <= privacy.COUNTS * epsilon
    facts = shares.facts(0.1)
    assert facts["epsilon"] == pytest.approx(spent + 0.1)
    assert facts["asked"] == pytest.approx(epsilon + 0.1)


def test_less_epsilon_or_more_steps_take_more_noise():
    usual = privacy.share_out(3.0, 1e-6, 0.02, 500).gradients
    assert privacy.share_out(1.0, 1e-6, 0.02, 500).gradients > usual
    assert privacy.share_out(3.0, 1e-6, 0.02, 2000).gradients > usual


def test_what_no_noise_is_enough_for_is_refused():
    with pytest.raises(UsageError, match="no noise is enough"):
        privacy.share_out(1e-7, 1e-9, 0.5, 1000)


@given(st.lists(st.floats(-50, 500), min_size=1, max_size=30), st.floats(0, 1000))
def test_projected_counts_have_their_sum_and_keep_their_order(given_counts, total):
    found = projected(np.array(given_counts), total)
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(total, abs=1e-6)
    assert (np.diff(found[np.argsort(given_counts, kind="stable")]) >= -1e-9).all()


@given(st.integers(0, 3), st.floats(-1e4, 1e4), st.floats(0, 1e5), st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_places_of_numbers_are_the_numbers(decimals, low, width, parts):
    low = round(low, decimals)
    domain = Domain(None, False, low, round(low + width, decimals), decimals)
    x = np.clip(np.round(domain.low + np.array(parts) * (domain.high - domain.low), decimals), domain.low, domain.high)
    assert (domain.numbers(domain.places(x).astype(float)) == x).all()
    assert domain.places(x).max() < domain.different


DOMAINS = [
    Domain(None, True, 0.0, 100_000.0, 0),  # half of all rows have 0
    Domain(3, False),
    Domain(None, False, -1e3, 1e3, None),
    Domain(2, True),
]


def table(rows, seed=0):
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, rows)
    gain = np.where(rng.random(rows) < 0.5, 0.0, rng.integers(3000, 9000, rows))
    gain[rng.random(rows) < 0.1] = np.nan
    return np.column_stack(
        [gain, kind, 3.0 * kind + rng.normal(size=rows), np.where(rng.random(rows) < 0.1, np.nan, kind)]
    )


def test_counts_find_what_stands_out_in_a_wide_range():
    x = table(20_000)
    found = count(x, DOMAINS, len(x), 2.0, 3, Chance(0))
    columns = [each.column(len(x), np.random.default_rng(0)) for each in found]
    assert np.mean(columns[0] == 0) == pytest.approx(np.mean(x[:, 0] == 0), abs=0.01)
    assert np.isnan(columns[0]).mean() == pytest.approx(0.1, abs=0.01)
    assert np.nanmedian(columns[0][columns[0] > 0]) == pytest.approx(6000, rel=0.05)
    assert columns[2].mean() == pytest.approx(x[:, 2].mean(), abs=0.15)
    assert np.mean(columns[1] == 2) < 0.005
    assert not np.isnan(columns[1]).any()


def test_counts_of_few_rows_still_make_columns():
    for rows in (1, 5):
        found = count(table(rows), DOMAINS, rows, 50.0, 3, Chance(0))
        for each in found:
            assert not np.isnan(each.column(300, np.random.default_rng(0))).all()


@given(st.integers(0, 30))
def test_a_row_changes_counts_by_the_root_of_the_columns_at_most(row):
    """What noise is scaled by: the raw counts with a row, and without it."""
    x = table(31)

    def asked(rows, work):
        seen = []
        with pytest.MonkeyPatch.context() as patch:
            for module in (counts, standin):
                patch.setattr(module, "noisy", lambda found, noise, chance: seen.append(found.ravel()) or found * 1.0)
            work(rows)
        return seen

    less = np.delete(x, row, 0)
    first = [asked(each, lambda rows: count(rows, DOMAINS, 31, 1.0, 1, Chance(0))) for each in (x, less)]
    change = np.concatenate(first[0]) - np.concatenate(first[1])
    assert np.abs(change).max() <= 1
    assert np.linalg.norm(change) <= len(DOMAINS) ** 0.5 + 1e-9
    columns = columns_of(torch.from_numpy(table(300, 1)), [domain.values for domain in DOMAINS])

    def grow(rows):
        Tree.learn(columns, table(300, 1), rows, 31, 1.0, 1.0, Chance(0))

    pairs = [np.concatenate(asked(each, grow)[:6]) for each in (x, less)]
    assert np.linalg.norm(pairs[0] - pairs[1]) <= 6**0.5 + 1e-9


def test_a_tree_tells_how_columns_hang_together():
    x = table(20_000)
    found = count(x, DOMAINS, len(x), 2.0, 3, Chance(0))
    rng = np.random.default_rng(0)
    independent = np.column_stack([each.column(len(x), rng) for each in found])
    columns = columns_of(torch.from_numpy(independent), [domain.values for domain in DOMAINS])
    tree = Tree.learn(columns, independent, x, len(x), 2.0, 2.0, Chance(0))
    assert {frozenset(edge[:2]) for edge in tree.edges} == {frozenset(pair) for pair in ((1, 2), (1, 3))}
    made = tree.draw(20_000, 0)
    assert abs(np.corrcoef(independent[:, 1], independent[:, 2])[0, 1]) < 0.05
    assert np.corrcoef(made[:, 1], made[:, 2])[0, 1] == pytest.approx(np.corrcoef(x[:, 1], x[:, 2])[0, 1], abs=0.05)
    known = ~np.isnan(made[:, 3])
    assert np.mean(made[known, 1] == made[known, 3]) > 0.98
    assert np.mean(made[:, 0] == 0) == pytest.approx(np.mean(x[:, 0] == 0), abs=0.02)


def test_noise_far_out_in_a_wide_range_is_left_out():
    x = np.random.default_rng(0).normal(size=(5000, 1))
    found = count(x, [Domain(None, False, -1e6, 1e6, None)], 5000, 3.0, 3, Chance(0))
    column = found[0].column(5000, np.random.default_rng(0))
    assert np.abs(column).max() < 1000  # 64 x 64 x 64 cells, of 8 each
