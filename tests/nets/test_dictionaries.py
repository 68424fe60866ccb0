"""What every kind of sparse code keeps, and what each promises of itself."""

import pytest
import torch

from isthmus.errors import UsageError
from isthmus.nets.dictionaries import IDLE, Dictionary, geometric_median
from isthmus.nets.sparsity import SPARSITIES, BatchTopK, Gated, JumpReLU, Matryoshka, TopK, from_facts, parse_sparsity

WIDTH = 10
KINDS = [kind(size=32) for kind in SPARSITIES.values()]
kinds = pytest.mark.parametrize("kind", KINDS, ids=str)


def rows_like(count=300, seed=0, width=WIDTH):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(count, width, generator=rng) * 3 + 1


def started(kind, target=None):
    torch.manual_seed(0)
    net = Dictionary(kind, WIDTH, target)
    net.start(rows_like(width=WIDTH + (target or 0)))
    return net


def total(net, batch, share=1.0):
    losses = net.losses(batch, torch.Generator())
    weights = net.weights(share)
    return sum(weights[name] * loss for name, loss in losses.items())


@kinds
def test_gradients_reach_every_weight(kind):
    net = started(kind)
    total(net, rows_like()).backward()
    still = [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not still


@kinds
def test_the_decoder_stays_at_unit_length_and_idle_features_are_counted(kind):
    net = started(kind)
    with torch.no_grad():
        net.decoder.mul_(3)
        net.offset[5] = -1e6
        if isinstance(kind, Gated):
            net.extra["magnitude"][5] = -1e6
    total(net, rows_like())
    net.after_step()
    torch.testing.assert_close(net.decoder.norm(dim=1), torch.ones(32))
    assert int(net.idle[5]) == 300
    assert int(net.idle.min()) == 0


@kinds
def test_words_and_facts_give_the_same_kind(kind):
    assert parse_sparsity(str(kind)) == kind
    assert from_facts(kind.to_dict()) == kind


@kinds
def test_weights_loaded_give_the_same_codes(kind):
    net = started(kind)
    kind.settle(net, rows_like())
    again = Dictionary.from_config(net.config())
    again.load_state_dict(net.state_dict())
    assert torch.equal(net.encode(rows_like(seed=1)), again.encode(rows_like(seed=1)))


@kinds
def test_one_feature_alone_is_the_same_as_among_all(kind):
    net = started(kind)
    kind.settle(net, rows_like())
    x = rows_like(seed=2)
    torch.testing.assert_close(net.encode_feature(x, [7, 3]), net.encode(x)[:, [7, 3]], rtol=1e-5, atol=1e-5)


@kinds
def test_active_entries_say_all_of_a_code(kind):
    net = started(kind)
    kind.settle(net, rows_like())
    code = net.encode(rows_like(seed=2))
    values, features = net.encode_sparse(rows_like(seed=2))
    assert torch.equal(torch.zeros_like(code).scatter(1, features, values), code)


@kinds
def test_rows_are_coded_one_by_one(kind):
    net = started(kind)
    kind.settle(net, rows_like())
    x = rows_like(seed=3, count=5)
    alone = torch.cat([net.encode(row[None]) for row in x])
    torch.testing.assert_close(net.encode(x), alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [BatchTopK(32, k=4), Matryoshka(32, k=4, groups=3)], ids=str)
def test_a_settled_threshold_keeps_k_on_average(kind):
    net = started(kind)
    kind.settle(net, rows_like(count=2000))
    assert float((net.encode(rows_like(count=2000)) > 0).sum()) == pytest.approx(8000, abs=2)


def test_top_k_keeps_k_in_every_row():
    net = started(TopK(32, k=4))
    assert set((net.encode(rows_like()) > 0).sum(1).tolist()) == {4}


def test_thresholds_that_were_learnt_are_kept():
    net = started(JumpReLU(32))
    with torch.no_grad():
        net.extra["log_threshold"].copy_(torch.linspace(0, 1, 32))
    net.kind.settle(net, rows_like())
    torch.testing.assert_close(net.threshold, torch.linspace(0, 1, 32).exp())


def test_the_penalty_of_a_count_pulls_it_towards_what_was_asked_for():
    net = started(JumpReLU(32, l0=4))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(150):
        optimizer.zero_grad()
        total(net, rows_like()).backward()
        optimizer.step()
    net.kind.settle(net, rows_like())
    assert float((net.encode(rows_like()) > 0).sum(1).float().mean()) == pytest.approx(4, abs=1)


def test_dead_features_come_back_to_life():
    net = started(BatchTopK(32, k=4))
    with torch.no_grad():
        net.offset[:8] = -6.0
        net.idle[:8] = IDLE - 100  # they die, for all to see, within a step
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(200):
        optimizer.zero_grad()
        total(net, rows_like()).backward()
        optimizer.step()
        net.after_step()
    assert int((net.idle[:8] < IDLE).sum()) >= 6


def test_nothing_dead_costs_nothing():
    net = started(BatchTopK(32, k=4))
    assert float(net.losses(rows_like(), torch.Generator())["dead"]) == 0


def test_a_transcoder_reads_one_layer_and_gives_another():
    net = started(BatchTopK(32, k=4), target=6)
    total(net, rows_like(width=WIDTH + 6)).backward()
    assert net.decode(net.encode(rows_like())).shape == (300, 6)


def test_prefixes_of_a_matryoshka_double():
    assert Matryoshka(100, groups=3).prefixes(100) == [25, 50, 100]


def test_a_start_does_not_depend_on_units():
    x = rows_like()
    one, other = started(BatchTopK(32, k=4)), started(BatchTopK(32, k=4))
    one.start(x), other.start(x * 1000)
    torch.testing.assert_close(one.encode(x), other.encode(x * 1000), rtol=1e-4, atol=1e-4)


def test_the_geometric_median_is_not_moved_by_a_few():
    x = torch.cat([rows_like(), torch.full((5, WIDTH), 1e6)])
    assert float((geometric_median(x, 200) - rows_like().mean(0)).norm()) < 2


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("nothing:16x", "unknown"),
        ("sparse:16y", "'16y'"),
        ("sparse:0", "0"),
        ("topk:16x:k=0", "k is 0"),
        ("topk:16x:q=1", "'q=1'"),
        ("relu:16x:l1=-1", "l1 is -1"),
        ("jumprelu:16x:l0=few", "'l0=few'"),
    ],
)
def test_words_that_mean_nothing_are_refused_by_name(words, named):
    with pytest.raises(UsageError, match=named):
        parse_sparsity(words)
