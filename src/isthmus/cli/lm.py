"""``lm``: verbs on language models, and on sparse autoencoders of their activations."""

from collections.abc import Callable

from isthmus.cli import lm_demo, lm_exchange, lm_features, lm_find, lm_harvest, lm_measure
from isthmus.cli.words import Group

# In the order in which they are needed.
VERBS: dict[str, Callable[..., None]] = {
    "demo": lm_demo.demo,
    "harvest": lm_harvest.harvest,
    "features": lm_features.features,
    "find": lm_find.find,
    "monitor": lm_find.monitor,
    "steer": lm_find.steer,
    "measure": lm_measure.measure,
    "export": lm_exchange.export,
    "import": lm_exchange.import_,
}

ABOUT = """Read, watch and steer a language model through a sparse autoencoder.

LM is a local folder in transformers' layout, or a .gguf file; nothing is ever fetched. Needs the extra:
pip install 'isthmus[lm]'."""
ENDING = """
isthmus lm VERB --help says more of each. For example:

  isthmus lm harvest model.gguf texts.jsonl -o acts --layer 10
  isthmus fit acts -o sae.isthmus --code sparse:16x:k=32
"""

GROUP = Group(ABOUT, VERBS, ENDING)
