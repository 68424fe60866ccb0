"""Features changed while a language model runs."""

import math

import pytest
import torch
from planted import LAYER, placed, planted

from isthmus.errors import UsageError
from isthmus.tasks.interpret.steer import AFTER, Change, edit_of, next_tokens, steer, steered

TEXT = "The cat sat on the mat and looked at the moon."


@pytest.fixture
def rows(llama):
    """Activations (n, 32) of a sentence."""
    return llama.activations(*llama.batch([llama.encode(TEXT)]), LAYER)[0]


def test_nothing_added_changes_nothing(llama, rows):
    edit = edit_of(placed(llama), [Change(2, "add", 0.0), Change(5, "add", 0.0)])
    assert torch.equal(edit(rows), rows)


def test_what_is_added_is_that_many_units_of_the_feature(llama, rows):
    net = planted(llama)
    moved = edit_of(placed(llama, net), [Change(2, "add", 1.5)])(rows)
    torch.testing.assert_close(moved - rows, 1.5 * net.directions()[2].expand_as(rows), rtol=1e-4, atol=1e-5)


def test_an_ablated_feature_is_read_as_nothing(llama, rows):
    net = planted(llama)
    assert (net.encode(rows)[:, 4] > 0).any()
    codes = net.encode(edit_of(placed(llama, net), [Change(4, "ablate")])(rows))
    torch.testing.assert_close(codes[:, 4], torch.zeros(len(rows)), rtol=0, atol=1e-5)


def test_a_clamped_feature_is_read_as_what_it_is_clamped_to_where_it_was_active(llama, rows):
    net = planted(llama)
    before = net.encode(rows)
    after = net.encode(edit_of(placed(llama, net), [Change(4, "clamp", 3.0)])(rows))
    active = before[:, 4] > 0
    torch.testing.assert_close(after[active, 4], torch.full((int(active.sum()),), 3.0), rtol=1e-4, atol=1e-4)
    others = [feature for feature in range(8) if feature != 4]
    torch.testing.assert_close(after[:, others], before[:, others], rtol=1e-3, atol=1e-5)


def test_changes_of_several_features_are_the_same_in_any_order(llama, rows):
    changes = [Change(1, "clamp", 2.0), Change(6, "ablate"), Change(3, "add", -1.0)]
    found = [edit_of(placed(llama), order)(rows) for order in (changes, changes[::-1])]
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=1e-6)


def test_sinks_are_left_alone(llama, rows):
    limit = float(rows.norm(dim=1).median())
    moved = edit_of(placed(llama, sink_norm=limit), [Change(2, "add", 5.0)])(rows)
    same = (moved == rows).all(1)
    assert torch.equal(same, rows.norm(dim=1) > limit)
    assert same.any()
    assert not same.all()


def test_a_model_that_is_steered_by_nothing_writes_the_same(llama):
    found = steer(placed(llama), [Change(0, "add", 0.0)], "The cat", new=12)
    assert found["without"] == found["with"]
    assert all(row["without"] == row["with"] for row in found["next"])


def test_steering_changes_what_is_written_and_ends_with_its_block(llama):
    where = placed(llama)
    found = steer(where, [Change(0, "clamp", 60.0)], "The cat", new=12)
    assert found["with"] != found["without"]
    assert found["without"] == steer(where, [Change(1, "add", 0.0)], "The cat", new=12)["without"]


def test_transformers_own_generate_is_steered_too(llama):
    where = placed(llama)
    ids, _ = llama.batch([llama.encode("The cat")])
    with steered(where, [Change(0, "clamp", 60.0)]):
        theirs = llama.model.generate(ids, max_new_tokens=12, do_sample=False, eos_token_id=None)[0, ids.shape[1] :]
        ours = llama.generate(ids[0].tolist(), 12)
    assert theirs.tolist()[: len(ours)] == ours


def test_draws_follow_the_seed(llama):
    def write(seed):
        return steer(placed(llama), [Change(0, "add", 1.0)], "The cat", new=8, temperature=1.0, seed=seed)["with"]

    assert write(1) == write(1)
    assert len({write(seed) for seed in range(5)}) > 1


def test_next_tokens_are_told_by_how_far_they_move(llama):
    found = next_tokens(placed(llama), [Change(0, "clamp", 40.0)], llama.encode("The cat"), top=5)
    moved = [abs(row["with"] - row["without"]) for row in found]
    assert len(found) == 5
    assert moved == sorted(moved, reverse=True)
    assert all(0 <= row[name] <= 1 for row in found for name in ("without", "with"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"how": "push"}, "how is 'push'; known are add, clamp, ablate"),
        ({"by": math.nan}, "feature 0: by nan is no amount"),
    ],
)
def test_a_change_that_cannot_be_is_refused(change, message):
    with pytest.raises(UsageError, match=message):
        Change(0, **change)


def test_features_that_are_not_there_or_given_twice_are_refused(llama):
    with pytest.raises(UsageError, match="there is no feature 8: features of this autoencoder are 0 to 7"):
        edit_of(placed(llama), [Change(8)])
    with pytest.raises(UsageError, match="feature 1 is given twice"):
        edit_of(placed(llama), [Change(1), Change(1, "ablate")])
    with pytest.raises(UsageError, match="no feature is given"):
        edit_of(placed(llama), [])


def test_less_is_done_once_a_text_is_on_its_way(llama, rows):
    net = planted(llama)
    edit = edit_of(placed(llama, net), [Change(2, "add", 2.0, later=0.5)])
    one = rows[1:2]

    def added() -> float:
        return float((edit(one) - one).norm() / net.directions()[2].norm())

    for _ in range(2):  # a prompt begins anew
        torch.testing.assert_close(edit(rows) - rows, 2.0 * net.directions()[2].expand_as(rows), rtol=1e-4, atol=1e-5)
        assert [round(added(), 3) for _ in range(AFTER)] == [2.0] * (AFTER - 1) + [0.5]
        assert round(added(), 3) == 0.5


def test_an_amount_that_is_no_number_is_refused():
    with pytest.raises(UsageError, match="feature 3: later inf is no amount"):
        Change(3, "clamp", 1.0, later=math.inf)
