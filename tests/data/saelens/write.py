"""Write the folders beside this file anew: small autoencoders that sae-lens (6.54.12) trained and saved, and its codes.

Run with sae-lens installed: python tests/data/saelens/write.py. Each folder holds what sae-lens wrote, and in
expected.safetensors rows `x`, their `codes` and what sae-lens makes of those, `rebuilt`.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

HERE = Path(__file__).parent
WIDTH, SIZE, BATCH, STEPS = 8, 32, 64, 150
HOOK = {"model_name": "tiny", "hook_name": "blocks.1.hook_resid_post"}


def batches(seed: int):
    """Draw rows that are sums of two or three of twelve directions, and a mean."""
    generator = torch.Generator().manual_seed(7)
    directions = torch.nn.functional.normalize(torch.randn(12, WIDTH, generator=generator), dim=1)
    generator.manual_seed(seed)
    while True:
        on = (torch.rand(BATCH, 12, generator=generator) < 0.2) * torch.rand(BATCH, 12, generator=generator)
        yield 3 * on @ directions + 0.5


def trained(kind: str, checkpoint: bool, **settings):
    """Train one of sae-lens' kinds and give its folder, as a finished model or as a checkpoint of training."""
    import sae_lens
    from sae_lens.config import SAETrainerConfig
    from sae_lens.registry import get_sae_training_class
    from sae_lens.saes.sae import SAEMetadata

    torch.manual_seed(0)
    net_class, config_class = get_sae_training_class(kind)
    config = config_class(d_in=WIDTH, d_sae=SIZE, metadata=SAEMetadata(**HOOK), **settings)
    net = net_class(config)
    plan = SAETrainerConfig(STEPS * BATCH, BATCH, lr=3e-3, lr_end=3e-4, n_batches_for_norm_estimate=20)
    net = sae_lens.SAETrainer(plan, net, batches(0)).fit()
    return lambda path: net.save_model(path) if checkpoint else net.save_inference_model(path)


def drawn(kind: str):
    """Draw the weights of a transcoder, which sae-lens does not train."""
    from sae_lens.registry import get_sae_class
    from sae_lens.saes.sae import SAEMetadata

    torch.manual_seed(1)
    net_class, config_class = get_sae_class(kind)
    places = {**HOOK, "hook_name": "blocks.0.hook_mlp_in", "hook_name_out": "blocks.1.hook_mlp_out"}
    config = config_class(WIDTH, SIZE, d_out=6, apply_b_dec_to_input=False, metadata=SAEMetadata(**places))
    net = net_class(config)
    for weights in net.parameters():
        weights.data = 0.5 * torch.randn_like(weights)
    if hasattr(net, "threshold"):
        net.threshold.data.abs_()
    return net.save_model


FOLDERS = {
    "standard": lambda: trained("standard", False, l1_coefficient=0.1),
    "scaled": lambda: trained("standard", False, l1_coefficient=0.1, normalize_activations="expected_average_only_in"),
    "uncentred": lambda: trained("jumprelu", False, l0_coefficient=0.1, apply_b_dec_to_input=False),
    "jumprelu": lambda: trained("jumprelu", False, l0_coefficient=0.1),
    "gated": lambda: trained("gated", False, l1_coefficient=0.1),
    "topk": lambda: trained("topk", False, k=3),
    "topk-checkpoint": lambda: trained("topk", True, k=3),
    "topk-norms": lambda: trained("topk", False, k=3, rescale_acts_by_decoder_norm=False),
    "batchtopk": lambda: trained("batchtopk", False, k=3, topk_threshold_lr=0.1),
    "batchtopk-checkpoint": lambda: trained("batchtopk", True, k=3, topk_threshold_lr=0.1),
    "matryoshka": lambda: trained("matryoshka_batchtopk", False, k=3, matryoshka_widths=[8, 32]),
    "transcoder": lambda: drawn("transcoder"),
    "jumprelu_transcoder": lambda: drawn("jumprelu_transcoder"),
}


def expected(folder: Path, rows: torch.Tensor) -> None:
    """Write rows, their codes and rows rebuilt as sae-lens has them."""
    from sae_lens import SAE

    kind = json.loads((folder / "cfg.json").read_text())["architecture"]
    if kind == "batchtopk":  # sae-lens does not open its checkpoints for inference: as the finished model is
        found = {"x": rows, **_as_finished(folder, rows)}
    else:
        net = SAE.load_from_disk(folder)
        with torch.no_grad():
            found = {"x": rows, "codes": net.encode(rows), "rebuilt": net(rows)}
    save_file({name: each.contiguous() for name, each in found.items()}, folder / "expected.safetensors")


def _as_finished(folder: Path, rows: torch.Tensor) -> dict[str, torch.Tensor]:
    from sae_lens import SAE

    finished = folder.with_name(folder.name.removesuffix("-checkpoint"))
    net = SAE.load_from_disk(finished)
    with torch.no_grad():
        return {"codes": net.encode(rows), "rebuilt": net(rows)}


def older(folder: Path, of: Path) -> None:
    """Write `of` as sae-lens 3 to 5 did: one flat list of settings under their former names."""
    folder.mkdir(exist_ok=True)
    config = {
        "architecture": "standard",
        "d_in": WIDTH,
        "d_sae": SIZE,
        "activation_fn_str": "relu",
        "apply_b_dec_to_input": True,
        "finetuning_scaling_factor": False,
        "normalize_activations": "none",
        "dtype": "torch.float32",
        "device": "cpu",
        "context_size": 128,
        "model_name": "tiny",
        "hook_name": "blocks.1.hook_resid_post",
        "hook_layer": 1,
        "sae_lens_training_version": "3.13.0",
    }
    (folder / "cfg.json").write_text(json.dumps(config))
    (folder / "sae_weights.safetensors").write_bytes((of / "sae_weights.safetensors").read_bytes())


if __name__ == "__main__":
    torch.set_num_threads(1)
    rows = next(batches(1))[:24]
    for name, save in FOLDERS.items():
        save()(HERE / name)
        expected(HERE / name, rows)
        print(name, file=sys.stderr)
    older(HERE / "older", HERE / "standard")
    expected(HERE / "older", rows)
