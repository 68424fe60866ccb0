"""A dictionary whose features are known directions, to look for, watch and steer by in tests."""

import torch

from isthmus.nets.dictionaries import Dictionary
from isthmus.nets.sparsity import BatchTopK
from isthmus.sparse import SparseAutoencoder
from isthmus.tasks.interpret.placed import Placed

LAYER = 1


def planted(language, size=8, seed=0):
    """Give a dictionary of orthonormal directions, each of which is read and written along itself."""
    made = torch.Generator().manual_seed(seed)
    rows = torch.linalg.qr(torch.randn(language.width, size, generator=made)).Q.T.contiguous()
    net = Dictionary(BatchTopK(size, k=2), language.width)
    with torch.no_grad():
        net.encoder.copy_(rows)
        net.decoder.copy_(rows)
    return net.requires_grad_(False).eval()


def placed(language, net=None, **facts):
    """Put it behind a block of a tiny model, no token a sink unless told so."""
    facts = {"lm": language.name, "lm_sha": language.sha, "layer": LAYER, "site": "residual", "sink_norm": 1e9} | facts
    return Placed.of(language, planted(language) if net is None else net, facts)


def tells(language, text, against):
    """Give one whose feature 3 fires at the tokens of some texts and at none of others."""
    net = planted(language)
    rows, wanted = [], []
    for texts, value in ((text, 1.0), (against, -1.0)):
        for each in texts:
            found = language.activations(*language.batch([language.encode(each)]), LAYER)[0]
            rows.append(found)
            wanted += [value] * len(found)
    # The first token is alike in all: it is told by neither.
    solution = torch.linalg.lstsq(torch.cat(rows).double(), torch.tensor(wanted).double()[:, None]).solution[:, 0]
    with torch.no_grad():
        net.encoder[3] = solution.float()
    return net


def saved(language, path, net=None, **facts):
    """Write it to a file."""
    facts = {"lm": language.name, "lm_sha": language.sha, "layer": LAYER, "site": "residual", "sink_norm": 1e9} | facts
    SparseAutoencoder.of(planted(language) if net is None else net, facts).save(path)
    return path
