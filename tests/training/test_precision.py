"""When a run rounds products to bf16, what it rounds and what not, and that losses and weights stay float32."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from isthmus.errors import UsageError
from isthmus.nets.codes import Dense, Gaussian
from isthmus.nets.columns import Columns
from isthmus.nets.corruptions import Mask, Noise
from isthmus.nets.denoisers import DenoisingNet
from isthmus.nets.dictionaries import Dictionary
from isthmus.nets.diffusion import DiffusionNet
from isthmus.nets.encoders import TableEncoder
from isthmus.nets.hourglass import Hourglass
from isthmus.nets.likelihoods import Categorical, Numeric
from isthmus.nets.noises import parse_noise
from isthmus.nets.pictures import PictureHourglass
from isthmus.nets.precision import Mixed, rounded_product
from isthmus.nets.priors import Prior
from isthmus.nets.sparsity import SPARSITIES
from isthmus.nets.unet import UNet
from isthmus.training import run, sources
from isthmus.training.loop import train
from isthmus.training.plan import Plan
from isthmus.training.precision import mixed, moved, steady, wants_bf16
from isthmus.training.sources import Rows

CPU, CUDA, MPS = (torch.device(name) for name in ("cpu", "cuda", "mps"))


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch):
    monkeypatch.delenv("ISTHMUS_PRECISION", raising=False)


def table(rows=60):
    rng = torch.Generator().manual_seed(0)
    x = torch.cat([torch.randn(rows, 2, generator=rng), torch.randint(0, 4, (rows, 2), generator=rng)], 1).double()
    x[::7, 0] = torch.nan
    numbers = [Numeric.learn(x[:, j]) for j in range(2)]
    return x, Columns([*numbers, *(Categorical.learn(x[:, j], 4) for j in (2, 3))])


def hourglass(**settings):
    x, columns = table()
    return Hourglass(columns, settings.pop("code", Dense(5)), width=16, **settings), x


def dictionary(name):
    rows = torch.randn(128, 8, generator=torch.Generator().manual_seed(0))
    net = Dictionary(SPARSITIES[name](32), 8)
    net.start(rows)
    return net, rows


def squares(planes, side):
    return torch.randint(0, 2, (6, planes, side, side), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def prior():
    return Prior(Dense(4), given=0, tokens=3, width=16), torch.randn(40, 4, generator=torch.Generator().manual_seed(0))


NARROW = {"widths": (4, 4), "depths": (1, 1)}
MADE = {
    "hidden cells": lambda: hourglass(corruption=(Mask(),)),
    "condition": lambda: hourglass(corruption=(Mask(),), condition=(0, 2)),
    "noise, variational": lambda: hourglass(corruption=(Noise(),), code=Gaussian(5)),
    "prior": prior,
    "denoiser": lambda: (DenoisingNet(1, parse_noise("gaussian+poisson"), UNet(2, 1, **NARROW), (8, 8)), squares(1, 9)),
    "diffusion": lambda: (DiffusionNet(1, 2, UNet(1, 1, told=64, **NARROW)), squares(2, 8)),
    "pictures": lambda: (PictureHourglass(1, (8, 8), Dense(4), kinds=2, width=4), squares(2, 8)),
    **{name: lambda name=name: dictionary(name) for name in SPARSITIES},
}


def test_bf16_is_for_cuda_devices_that_compute_in_it(monkeypatch):
    able = {}
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: able["bf16"])
    able["bf16"] = True
    assert [wants_bf16("auto", device) for device in (CUDA, CPU, MPS)] == [True, False, False]
    assert not wants_bf16("float32", CUDA)
    able["bf16"] = False
    assert not wants_bf16("auto", CUDA)
    assert wants_bf16("bf16", CUDA)  # asked for is asked for


def test_the_environment_decides_where_a_plan_does_not(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    monkeypatch.setenv("ISTHMUS_PRECISION", "float32")
    assert not wants_bf16("auto", CUDA)
    assert wants_bf16("bf16", CUDA)
    monkeypatch.setenv("ISTHMUS_PRECISION", "bf16")
    assert wants_bf16("auto", MPS)
    assert not wants_bf16("auto", CPU)  # processors are never slowed down by it
    monkeypatch.setenv("ISTHMUS_PRECISION", "fp8")
    with pytest.raises(UsageError, match="precision is 'fp8'; give auto, float32, bf16"):
        wants_bf16("auto", CPU)


def test_bf16_on_a_processor_is_refused():
    with pytest.raises(UsageError, match="'bf16' is for a GPU"):
        train(nn.Linear(1, 1), torch.ones(8, 1), torch.ones(2, 1), Plan(steps=1, precision="bf16"))


@pytest.mark.parametrize("name", MADE)
def test_losses_and_gradients_are_float32_and_near_in_bf16(name):
    torch.manual_seed(0)
    module, rows = MADE[name]()
    module.train()
    found = {}
    for bf16 in (False, True):
        module.zero_grad()
        with mixed(module, bf16):
            losses = module.losses(rows, torch.Generator().manual_seed(0))
        torch.stack([loss for loss in losses.values() if loss.requires_grad]).sum().backward()
        found[bf16] = losses, [weight.grad.clone() for weight in module.parameters() if weight.grad is not None]
    assert all(loss.dtype == torch.float32 and loss.isfinite() for loss in found[True][0].values())
    assert all(grad.dtype == torch.float32 and grad.isfinite().all() for grad in found[True][1])
    for key, loss in found[False][0].items():
        assert float(found[True][0][key].detach()) == pytest.approx(float(loss.detach()), abs=0.02, rel=0.02)
    exact, rounded = (torch.cat([grad.flatten() for grad in found[bf16][1]]) for bf16 in (False, True))
    assert torch.nn.functional.cosine_similarity(exact, rounded, dim=0) > 0.98


@pytest.mark.parametrize("name", ["hidden cells", "denoiser", "diffusion", "pictures", "sparse", "topk", "matryoshka"])
def test_something_is_rounded(name):
    module, rows = MADE[name]()
    for weight in module.parameters():  # layers that start at nothing would hide it
        weight.data += 0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    found = []
    for bf16 in (False, True):
        with mixed(module, bf16):
            losses = module.losses(rows, torch.Generator().manual_seed(0))
        found.append([float(loss.detach()) for loss in losses.values()])
    assert found[0] != found[1]


def test_the_straight_path_of_numbers_is_never_rounded():
    x, columns = table()
    encoder = TableEncoder(columns, 16, 1, 3, noisy=False)
    with torch.no_grad():
        encoder.numbers.normal_()
        for weight in (encoder.project.weight, encoder.project.bias):
            weight.zero_()
    cells, level = columns.tokenize(x), torch.zeros(len(x), 1)
    exactly = encoder(cells, level, columns)
    with mixed(encoder, True):
        assert torch.equal(encoder(cells, level, columns), exactly)


def test_a_rounded_product_is_summed_and_told_in_float32():
    rng = torch.Generator().manual_seed(0)
    rows, weight = torch.randn(20, 300, generator=rng), torch.randn(40, 300, generator=rng)
    exactly, found = rows.double() @ weight.double().T, rounded_product(rows, weight)
    assert found.dtype == torch.float32
    assert not torch.equal(found, found.bfloat16().float())
    assert (found - exactly).abs().max() < 0.3
    assert torch.allclose(found, rows.bfloat16().float() @ weight.bfloat16().float().T)


class Watched(Mixed):
    """Notes whether it was told to round, in steps and in checks."""

    def __init__(self):
        super().__init__()
        self.at, self.told = nn.Parameter(torch.zeros(())), []

    def losses(self, batch, rng):
        self.told.append((self.training, self.bf16))
        return {"distance": (batch.mean() - self.at).square()}

    def weights(self, share):
        return {"distance": 1.0}


def test_steps_round_and_checks_do_not(monkeypatch):
    monkeypatch.setattr(run, "wants_bf16", lambda word, device: True)
    module = Watched()
    train(module, torch.ones(16, 1), torch.ones(4, 1), Plan(steps=6, batch_size=4, checks=2))
    assert set(module.told) == {(True, True), (False, False)}
    assert not module.bf16


def test_a_fault_leaves_nothing_rounded():
    module = nn.Sequential(Watched(), nn.Linear(1, 1))
    with pytest.raises(ValueError, match="here"), mixed(module, True):
        raise ValueError("here")
    assert not module[0].bf16


def test_a_run_in_bf16_is_repeatable_and_comes_to_the_same(monkeypatch):
    weights, best = [], []
    for bf16 in (True, True, False):
        monkeypatch.setattr(run, "wants_bf16", lambda word, device, bf16=bf16: bf16)
        torch.manual_seed(0)
        net, x = hourglass(corruption=(Mask(),))
        history = train(net, x[10:], x[:10], Plan(steps=60, batch_size=25, checks=3, seed=1))
        weights.append(torch.cat([weight.flatten() for weight in net.parameters()]))
        best.append(history.best_loss)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert best[0] == pytest.approx(best[2], abs=0.05)


def test_convolutions_are_steady_in_a_run_alone():
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.allow_tf32, cudnn.enabled
    with steady(CPU):
        assert (cudnn.deterministic, cudnn.allow_tf32, cudnn.enabled) == before
    with pytest.raises(ValueError, match="here"), steady(CUDA):
        assert (cudnn.deterministic, cudnn.allow_tf32, cudnn.enabled) == (True, False, before[2])
        raise ValueError("here")
    assert (cudnn.deterministic, cudnn.allow_tf32, cudnn.enabled) == before


class Held:
    """Rows that tell where they were sent."""

    is_cuda, nbytes = False, 1000

    def __len__(self):
        return 8

    def to(self, device):
        return f"rows on {device.type}"


@pytest.mark.parametrize("room, where", [(4000, "rows on cuda"), (3999, None)])
def test_rows_are_kept_on_a_gpu_that_has_room(monkeypatch, room, where):
    monkeypatch.setattr(sources, "free", lambda device: room)
    rows = Rows(Held(), 4, 0)
    rows.near(CPU)
    assert isinstance(rows.data, Held)
    rows.near(CUDA)
    assert rows.data == where if where else isinstance(rows.data, Held)
    assert rows.order.device == (CUDA if where else CPU)


def test_the_order_of_rows_is_the_same_wherever_they_are():
    rows = Rows(torch.arange(10), 3, seed=5)
    before = [rows.order.rows_of(step) for step in range(6)]
    other = Rows(torch.arange(10), 3, seed=5)
    other.order.device = torch.device("meta")
    assert [part.shape for part in before] == [other.order.rows_of(step).shape for step in range(6)]
    assert other.order.rows_of(4).device.type == "meta"
    assert torch.equal(moved(before[0], CPU), before[0])
