"""A dictionary's weights in the terms of SAELens, and back.

SAELens reads codes off as ``act((x - b_dec) @ W_enc + b_enc)`` and rebuilds ``codes @ W_dec + b_dec``; where
`apply_b_dec_to_input` is false, nothing is taken from what goes in. Scales are multiplied into the weights on the way
out; on the way in, what cannot be written in our own terms is refused. Codes are the same numbers on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from isthmus.errors import FileError, UsageError
from isthmus.nets.dictionaries import Dictionary
from isthmus.nets.sparsity import BatchTopK, Gated, JumpReLU, Matryoshka, ReLU, Sparsity, TopK, from_facts

__all__ = ["dictionary_of", "hook_of", "place_of", "to_saelens"]

VERSION = "6.54.12"
"""The version of SAELens whose terms are used; from 6.0 on they are the same."""

HOOKS = {"residual": "hook_resid_post", "mlp": "hook_mlp_out", "attention": "hook_attn_out"}

KEPT = ("lm_sha", "sink_norm", "rows", "explained", "dead")
"""What we know beyond SAELens' own terms, and keep beside them."""

ALIKE = 1e-4
"""By how much norms of a decoder's rows may differ and count as one scale."""

Facts = dict[str, Any]
Tensors = dict[str, Tensor]


# where in a language model


def hook_of(layer: int | None, site: str | None) -> str:
    """Name a place in a language model as SAELens does.

    >>> hook_of(10, "residual")
    'blocks.10.hook_resid_post'
    """
    if layer is None or site not in HOOKS:
        return "unknown"
    return f"blocks.{layer}.{HOOKS[site]}"


def place_of(hook: str | None) -> tuple[int | None, str | None]:
    """Tell layer and site of a hook's name; None of both where it is a place that isthmus does not read.

    >>> place_of("blocks.11.hook_resid_pre"), place_of("model.layers.3"), place_of("blocks.2.attn.hook_z")
    ((10, 'residual'), (3, 'residual'), (None, None))
    """
    found = re.fullmatch(r"blocks\.(\d+)\.(\w+)", hook or "")
    if found:
        layer, name = int(found[1]), found[2]
        sites = {known: site for site, known in HOOKS.items()}
        if name in sites:
            return layer, sites[name]
        return (layer - 1, "residual") if name == "hook_resid_pre" and layer else (None, None)
    module = re.fullmatch(r"(?:.*\.)?(?:layers|h)\.(\d+)", hook or "")
    return (int(module[1]), "residual") if module else (None, None)


# out


def to_saelens(net: Dictionary, facts: Mapping[str, Any]) -> tuple[Facts, Tensors]:
    """Turn a dictionary and what is known of it into SAELens' settings and weights.

    Parameters
    ----------
    net
        Of any kind.
    facts
        As a fitted autoencoder's `facts_`: "lm", "layer", "site", "sink_norm", ..., all of which may be missing.

    Examples
    --------
    >>> settings, weights = to_saelens(Dictionary(TopK(32, k=4), 8), {"layer": 3, "site": "mlp"})
    >>> settings["architecture"], settings["k"], settings["metadata"]["hook_name"], list(weights["W_enc"].shape)
    ('topk', 4, 'blocks.3.hook_mlp_out', [8, 32])
    """
    if net.target is not None and not _plain(net.kind):
        raise UsageError(
            f"SAELens knows no transcoder of kind {net.kind.name}; relu, sparse and jumprelu can be written"
        )
    whole = {name: value.detach().cpu().double() for name, value in net.state_dict().items()}
    bias = whole["bias"] / whole["target_scale"]
    # What SAELens takes from its input is what it adds to its output; we keep the two apart.
    taken = bias * whole["scale"] if _centred(net) else torch.zeros(net.width, dtype=torch.float64)
    shift = whole["encoder"] @ (taken - whole["centre"])
    weights = {
        "W_enc": whole["encoder"].T * whole["scale"],
        "W_dec": whole["decoder"] / whole["target_scale"],
        "b_dec": bias,
    }
    if isinstance(net.kind, Gated):
        stretch = whole["extra.stretch"]
        weights |= {"b_gate": whole["offset"] + shift, "r_mag": stretch}
        weights["b_mag"] = whole["extra.magnitude"] + shift * stretch.exp()
    else:
        weights["b_enc"] = whole["offset"] + shift
    settings = _settings(net, facts)
    if settings["architecture"].startswith("jumprelu"):
        weights["threshold"] = whole["threshold"]
    return settings, {name: value.float().contiguous() for name, value in weights.items()}


def _plain(kind: Sparsity) -> bool:
    return not isinstance(kind, Gated) and kind.threshold != "rank"


def _centred(net: Dictionary) -> bool:
    return net.target is None and bool(net.centre.any())


def _settings(net: Dictionary, facts: Mapping[str, Any]) -> Facts:
    """Give cfg.json."""
    own = {name: facts[name] for name in KEPT if facts.get(name) is not None}
    known = {
        "sae_lens_version": VERSION,
        "sae_lens_training_version": None,
        "model_name": facts.get("lm") or "unknown",
        "hook_name": hook_of(facts.get("layer"), facts.get("site")),
        "l0": facts.get("l0"),
        "isthmus": {"code": net.kind.to_dict(), **own},
    }
    kind = "standard" if isinstance(net.kind, ReLU) else "gated" if isinstance(net.kind, Gated) else "jumprelu"
    kind = "topk" if net.kind.threshold == "rank" else kind
    if net.target is not None:
        kind = "transcoder" if kind == "standard" else "jumprelu_transcoder"
        target = facts.get("target") or {}
        known["hook_name_out"] = hook_of(target.get("layer"), target.get("site"))
    settings = {
        "architecture": kind,
        "d_in": net.width,
        "d_sae": net.size,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": _centred(net),
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": known,
    }
    if isinstance(net.kind, TopK):
        settings |= {"k": min(net.kind.k, net.size), "rescale_acts_by_decoder_norm": False}
    if net.target is not None:
        settings["d_out"] = net.target
    return settings


# in


def dictionary_of(
    settings: Mapping[str, Any], tensors: Mapping[str, Tensor], factor: float | None = None
) -> tuple[Dictionary, Facts]:
    """Turn SAELens' settings and weights into a dictionary with the same codes, and what is told of it.

    Parameters
    ----------
    settings
        Of cfg.json, in the present form or that before version 6.
    tensors
        Of sae_weights.safetensors.
    factor
        What activations are multiplied with first, where that is not part of the weights.
    """
    settings = _present(settings)
    kind = settings["architecture"]
    if kind not in _KINDS:
        raise FileError(f"architecture {str(kind)[:40]!r} is unknown here; known are {', '.join(_KINDS)}")
    scale = _factor(settings, factor)
    weights = {name: value.double() for name, value in tensors.items()}
    if settings.get("rescale_acts_by_decoder_norm"):
        norms = weights["W_dec"].norm(dim=1).clamp(min=1e-8)
        weights["W_enc"], weights["b_enc"] = weights["W_enc"] * norms, weights["b_enc"] * norms
        weights["W_dec"] = weights["W_dec"] / norms[:, None]
    metadata = settings["metadata"]
    return _filled(kind, settings, weights, scale), _told(metadata)


def _present(settings: Mapping[str, Any]) -> Facts:
    """Bring settings of before version 6, one flat list, into the present form."""
    if "metadata" in settings:
        return dict(settings)
    new = {"architecture": "standard", **settings}
    if (new.get("activation_fn") or new.get("activation_fn_str")) == "topk":
        new |= {"architecture": "topk", "k": new["activation_fn_kwargs"]["k"]}
    if isinstance(new.get("normalize_activations"), bool):
        new["normalize_activations"] = "expected_average_only_in" if new["normalize_activations"] else "none"
    hook = new.get("hook_name") or new.get("hook_point")
    return new | {"metadata": {"model_name": new.get("model_name"), "hook_name": hook}}


def _factor(settings: Mapping[str, Any], factor: float | None) -> float:
    """Tell what activations are multiplied with, or refuse what no factor does."""
    way = settings.get("normalize_activations") or "none"
    if settings.get("finetuning_scaling_factor"):
        raise FileError("finetuning_scaling_factor: codes that are scaled again to be decoded are not read here")
    if settings.get("reshape_activations", "none") not in {"none", "hook_z"}:
        raise FileError(f"reshape_activations {settings['reshape_activations']!r} is not read here")
    if way in {"none", "expected_average_only_in"}:
        if way != "none" and factor is None:
            raise FileError("activations are to be scaled by a mean norm that the folder does not hold")
        return 1.0 if factor is None else factor
    raise FileError(f"normalize_activations {str(way)[:40]!r} treats every row by itself, which is not read here")


def _filled(kind: str, settings: Mapping[str, Any], weights: Tensors, factor: float) -> Dictionary:
    """Build the dictionary."""
    transcodes = kind in {"transcoder", "jumprelu_transcoder"}
    centred = settings.get("apply_b_dec_to_input", True) and not transcodes
    size, width = weights["W_dec"].shape[0], weights["W_enc"].shape[0]
    net = Dictionary(_KINDS[kind](size, settings), width, weights["W_dec"].shape[1] if transcodes else None)
    norms = weights["W_dec"].norm(dim=1)
    one = norms.mean()
    # A single norm is a scale, and ours that come back are as they were; several stay in the decoder, so that codes do.
    scale = 1 / one if bool(((norms / one - 1).abs() < ALIKE).all()) else torch.ones((), dtype=torch.float64)
    inwards = torch.ones_like(scale) if transcodes else scale
    held = {
        "encoder": weights["W_enc"].T / inwards,
        "decoder": weights["W_dec"] * scale,
        "bias": weights["b_dec"] * scale,
        "centre": weights["b_dec"] * inwards if centred else torch.zeros(width),
        "scale": inwards * factor,
        "target_scale": scale * factor,
        "offset": weights["b_gate"] if kind == "gated" else weights["b_enc"],
        "threshold": _threshold(weights, size),
    }
    if kind == "gated":
        held |= {"extra.stretch": weights["r_mag"], "extra.magnitude": weights["b_mag"]}
    if isinstance(net.kind, JumpReLU):
        held["extra.log_threshold"] = held["threshold"].clamp(min=1e-12).log()
    found = net.state_dict()
    net.load_state_dict(found | {name: value.to(found[name].dtype) for name, value in held.items()})
    return net


def _threshold(weights: Tensors, size: int) -> Tensor:
    """Read the thresholds (features,) under the names they have had; below nought there is nothing to keep out."""
    if "log_threshold" in weights:
        return weights["log_threshold"].exp()
    found = weights.get("threshold", weights.get("topk_threshold", torch.zeros(size)))
    return found.clamp(min=0).expand(size)


def _told(metadata: Mapping[str, Any]) -> Facts:
    """Give what we know of an autoencoder in our words."""
    ours = metadata.get("isthmus") or {}
    layer, site = place_of(metadata.get("hook_name"))
    facts = {"lm": metadata.get("model_name"), "layer": layer, "site": site, "hook": metadata.get("hook_name")}
    if metadata.get("hook_name_out"):
        layer, site = place_of(metadata["hook_name_out"])
        facts["target"] = {"lm": metadata.get("model_name"), "layer": layer, "site": site}
    told = {name: ours[name] for name in KEPT if ours.get(name) is not None}
    return facts | {"l0": metadata.get("l0"), "sink_norm": None} | told


def _gates(size: int, settings: Mapping[str, Any]) -> Sparsity:
    """Tell by what a model with thresholds was trained: all its kinds are saved alike."""
    metadata = settings["metadata"]
    ours = (metadata.get("isthmus") or {}).get("code")
    if ours:
        return from_facts({**ours, "size": size})
    details = {**settings, **(metadata.get("training_architecture_details") or {})}
    training = metadata.get("training_architecture") or settings["architecture"]
    k = max(1, round(float(details.get("k") or metadata.get("l0") or 32)))
    if training == "matryoshka_batchtopk":
        return Matryoshka(size, k=k, groups=max(1, len(details.get("matryoshka_widths") or [size])))
    return BatchTopK(size, k=k) if training == "batchtopk" else JumpReLU(size, l0=float(k))


_KINDS = {
    "standard": lambda size, settings: ReLU(size),
    "topk": lambda size, settings: TopK(size, k=int(settings["k"])),
    "jumprelu": _gates,
    "batchtopk": _gates,
    "matryoshka_batchtopk": _gates,
    "gated": lambda size, settings: Gated(size),
    "transcoder": lambda size, settings: ReLU(size),
    "jumprelu_transcoder": _gates,
}
