"""What every estimator here tells scikit-learn of the tables that it takes."""

from __future__ import annotations

from typing import Any


class MixedTables:
    """A mixin, named before scikit-learn's own: missing cells and words are welcome, sparse matrices are not."""

    def __sklearn_tags__(self) -> Any:
        """Say what may come in, and of transformers that kinds of numbers do not stay what they were."""
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = []
        return tags
