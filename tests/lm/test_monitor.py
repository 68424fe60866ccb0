"""Where features fire, in a text and while one is written."""

import math

import pytest
import torch
from planted import LAYER, placed, planted

from isthmus.data.passages import Passage
from isthmus.errors import UsageError
from isthmus.tasks.interpret.monitor import Guard, guarded, watch

TEXTS = ["The cat sat on the mat.", "Where is the key?"]
PASSAGES = [Passage(text, "some.txt", number) for number, text in enumerate(TEXTS)]


def values_of(language, ids):
    return planted(language).encode(language.activations(*language.batch([ids]), LAYER)[0])


def test_flags_are_where_the_feature_is_above_its_threshold(llama):
    codes = [values_of(llama, llama.encode(text)) for text in TEXTS]
    limits = {feature: float(torch.cat(codes)[:, feature].max()) / 2 for feature in (2, 5)}
    flags = list(watch(placed(llama), PASSAGES, limits))
    wanted = [
        (number, token, feature)
        for number, found in enumerate(codes)
        for feature, limit in limits.items()
        for token in (found[:, feature] > limit).nonzero()[:, 0].tolist()
    ]
    assert sorted((flag.passage, flag.token, flag.feature) for flag in flags) == sorted(wanted)
    assert wanted
    for flag in flags:
        ids = llama.encode(TEXTS[flag.passage])
        assert flag.piece == llama.pieces(ids)[flag.token]
        assert f">>{flag.piece}<<" in flag.context
        assert flag.value == pytest.approx(float(values_of(llama, ids)[flag.token, flag.feature]), rel=1e-3)


def test_flags_come_before_later_passages_are_read(llama):
    def endless():
        while True:
            yield PASSAGES[0]

    assert next(watch(placed(llama), endless(), {2: -1.0})).token == 0


def test_tokens_are_counted_on_through_a_passage_longer_than_the_context(llama):
    text = "The cat sat on the mat. " * 40
    flags = list(watch(placed(llama), [Passage(text, "long.txt", 0)], {2: -1.0}))
    assert [flag.token for flag in flags] == list(range(len(llama.encode(text))))
    assert "".join(flag.piece for flag in flags) == "<s>" + text


def written(language, new=20):
    ids = language.encode("The cat")
    return ids, language.generate(ids, new)


def planted_stop(language):
    """Give a feature, a threshold, and the first place in what is written where the one is above the other."""
    ids, free = written(language)
    values = values_of(language, ids + free)[len(ids) :]
    for feature in range(values.shape[1]):
        for place in range(4, len(free)):
            if values[place, feature] > 1.05 * values[:place, feature].max() + 1e-3:
                limit = float((values[place, feature] + values[:place, feature].max()) / 2)
                return feature, limit, place
    raise AssertionError("no feature rises late in this text")


def test_a_guard_stops_exactly_before_the_token_that_fires(llama):
    ids, free = written(llama)
    feature, limit, place = planted_stop(llama)
    found = guarded(placed(llama), ids, {feature: limit}, new=20)
    assert found.ids == free[:place]
    assert found.stopped
    assert [(flag.token, flag.feature) for flag in found.flags] == [(len(ids) + place, feature)]
    assert found.flags[0].piece == llama.pieces(free[place : place + 1])[0]


def test_a_guard_that_rewrites_lets_no_token_through_that_fires(llama):
    ids, free = written(llama)
    feature, limit, place = planted_stop(llama)
    found = guarded(placed(llama), ids, {feature: limit}, then="rewrite", new=20)
    assert found.ids[:place] == free[:place]
    assert found.ids[place : place + 1] != free[place : place + 1]
    assert found.stopped or len(found.ids) == 20
    assert (values_of(llama, ids + found.ids)[len(ids) :, feature] <= limit * (1 + 1e-4)).all()


def test_a_guard_that_never_fires_changes_nothing(llama):
    ids, free = written(llama)
    found = guarded(placed(llama), ids, {0: 1e9}, new=20)
    assert (found.ids, found.flags, found.stopped) == (free, [], False)
    assert found.text == "".join(llama.pieces(free))


def test_a_guard_is_a_stopping_criterion_of_transformers(llama):
    ids, free = written(llama)
    feature, limit, place = planted_stop(llama)
    guard = Guard(placed(llama), {feature: limit})
    with guard.watching():
        found = llama.model.generate(
            torch.tensor([ids]), max_new_tokens=20, do_sample=False, eos_token_id=None, stopping_criteria=[guard]
        )
    # It is known to fire when it is read, which is when the next is chosen.
    assert found[0, len(ids) :].tolist() == free[: place + 2]


def test_thresholds_and_ways_that_cannot_be_are_refused(llama):
    with pytest.raises(UsageError, match="feature 1: threshold nan is no number to be above"):
        list(watch(placed(llama), PASSAGES, {1: math.nan}))
    with pytest.raises(UsageError, match="there is no feature 99"):
        Guard(placed(llama), {99: 1.0})
    with pytest.raises(UsageError, match="then is 'shout'; known are stop, rewrite"):
        guarded(placed(llama), [1], {1: 1.0}, then="shout")
