import numpy as np
import pyarrow as pa
import pytest

from isthmus.data.schema import Schema
from isthmus.data.sources import open_table
from isthmus.data.tables import TableCodec
from isthmus.report.baselines import Features, neighbours, through_pca, usual
from isthmus.report.measures import Fidelity, fidelity, shape

COLUMNS = {"zone": ["a", "b", "c", None] * 10, "area": [float(i) + 0.5 for i in range(40)]}


@pytest.fixture
def known():
    table = open_table(pa.table(COLUMNS))
    schema = Schema.learn(table)
    return schema.coded, TableCodec(schema).encode(table)


def test_features_hold_everything(known):
    variables, x = known
    features = Features(variables, x)
    np.testing.assert_allclose(features.values(features(x)), x)


def test_all_principal_components_lose_nothing_and_missing_is_a_category(known):
    variables, x = known
    features = Features(variables, x)
    np.testing.assert_allclose(through_pca(features, x, x, 99), x, atol=1e-9)


def test_neighbours_fill_what_is_missing_and_leave_the_rest(known):
    variables, x = known
    holes = x.copy()
    holes[5, 0] = holes[6, 1] = np.nan
    full = neighbours(Features(variables, x), x, holes, k=3)
    assert full[5, 0] in (0, 1, 2)
    np.testing.assert_allclose(full[:, 1][np.arange(40) != 6], x[:, 1][np.arange(40) != 6])


def test_the_usual_value_may_be_missing_only_where_that_counts(known):
    variables, x = known
    x = np.concatenate([x, [[np.nan, 1.0]]])
    assert np.isnan(usual(variables, x, middle="mean", missing=True)[0])
    assert usual(variables, x, middle="median", missing=False)[0] == 0


def test_fidelity_measures_each_column_in_its_own_way(known):
    variables, x = known
    guess = x + np.array([0.0, 2.0])
    zone, area = fidelity(variables, x, guess, np.array([1.0, 4.0]))
    assert (zone.measure, zone.value) == ("accuracy", 1.0)
    assert (area.measure, area.value) == ("NRMSE", pytest.approx(0.5))
    assert Fidelity("area", True, 0.1).beats(area)
    assert not Fidelity("zone", False, 0.1).beats(zone)


def test_shapes_of_the_same_values_are_the_same_and_of_others_are_not():
    a = np.array([1.0, 2, 3, np.nan])
    assert shape(a, a, numeric=True) == shape(a, a, numeric=False) == 1
    assert shape(a, a + 10, numeric=True) == 0
