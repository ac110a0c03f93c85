"""What a trained network is asked after training: embeddings of new samples, probes, scores, and the forces on its points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from ..data.arrays import inputs, to_numpy
from ..data.dataset import Dataset
from ..errors import DataError, demand, nearest
from ..evaluation.forces import Forces, pull_and_push
from ..evaluation.scores import evaluate, probe
from ..evaluation.trajectory import choose_points
from ..methods import axes
from ..methods.config import Config
from ..methods.resolve import method_of
from ..objective.component import Target
from ..objective.distances import as_seen_by, metric_of
from ..objective.objective import Objective, build_objective
from ..training.batches import Reader, other_side
from ..training.candidates import build_model

MAX_PROBE_POINTS = 10_000


def embed(backbone: nn.Module, dataset: Dataset, x: Tensor, config: Config, chunk: int = 4096) -> np.ndarray:
    """Embeddings (n, d) of raw samples (n, ...) by a backbone on the CPU, in evaluation mode."""
    dtype = next(backbone.parameters()).dtype
    backbone.eval()
    with torch.inference_mode():
        seen = (dataset.inputs(part) for part in x.split(chunk))
        z = torch.cat([backbone(part.to(dtype) if part.is_floating_point() else part) for part in seen])
    return as_seen_by(config.distance, z).float().numpy()


def encoder_of(results, modality: str) -> tuple[nn.Module, Dataset]:
    """The trained encoder of a modality, and the data that say how its samples are read."""
    data, config = results.data(), results.config
    if modality == "x":
        return results.backbone, data
    demand(modality == "pair", f"modality={modality!r} is not known; {nearest(modality, ['x', 'pair'])}")
    words = f"modality='pair': method={config.label!r} trains one encoder, of x"
    demand(any(name.startswith("other.") for name in results.state), f"{words}; use a method over two modalities, such as clip")
    return _trained_model(results).other, other_side(data)


def _trained_model(results) -> nn.Module:
    model = build_model(results.config, results.data()).to(next(results.backbone.parameters()).dtype)
    model.load_state_dict(results.state)
    return model


def new_samples(dataset: Dataset, x) -> Tensor:
    """Raw samples (n, ...) from outside, read by the rules of the data set; a DataError for another shape or an unknown scale."""
    if dataset.kind == "tokens":
        x = to_numpy(x, "x")
        if x.dtype.kind not in "iu" or x.shape[1:] != dataset.shape:
            form = f"{dataset.name} whole numbers {dataset.shape}: give that form, with 0 after the end"
            raise DataError(f"x holds samples {x.dtype} {x.shape[1:]}, {form}")
        if x.size and not 0 <= x.min() <= x.max() < dataset.n_tokens:
            raise DataError(f"x holds tokens from {x.min()} to {x.max()}, {dataset.name} knows 0 to {dataset.n_tokens - 1}")
        return torch.from_numpy(x.astype(np.int64))
    form = dataset.x.dtype, dataset.x.shape[1:]
    if not isinstance(x, Tensor) or (x.dtype, x.shape[1:]) != form:
        array, note = inputs(x, "x")
        if "stretched" in note:
            raise DataError(f"{note}: bring new pictures to 0..1 or 0..255, as the pictures of {dataset.name} were brought there")
        x = torch.from_numpy(array)
    if (x.dtype, x.shape[1:]) != form:
        found = f"x holds samples {x.dtype} {tuple(x.shape[1:])}"
        raise DataError(f"{found}, {dataset.name} {dataset.x.dtype} {dataset.shape}: give that form")
    return x


def probe_run(results) -> dict[str, dict[str, float]]:
    data, config = results.data(), results.config
    held_out = data.x_test is not None and config.backbone != "table"
    x, y = (data.x_test, data.y_test) if held_out else (data.x, data.y)
    if y is None:
        return {}
    keep = torch.from_numpy(choose_points(len(x), MAX_PROBE_POINTS, config.seed))
    x, y = x[keep], y[keep]
    if not 2 <= len(y.unique()) < len(y):
        return {}
    networks = {"trained": results.backbone, "untrained": build_model(config, data).backbone}
    if config.backbone == "table":
        named = {name: network(keep).detach().numpy() for name, network in networks.items()}
    else:
        named = {name: embed(network, data, x, config) for name, network in networks.items()}
    named["raw"] = data.flat(x).numpy()
    if config.head in ("linear", "mlp"):
        named["behind the head"] = embed(nn.Sequential(results.backbone, _trained_model(results).head), data, x, config)
    metrics = dict.fromkeys(named, metric_of(config.distance)) | {"raw": "euclidean"}
    scores = {name: probe(z, y, seed=config.seed, metric=metrics[name]) for name, z in named.items()}
    return {**scores, "about": {"n_points": len(x), "held_out": held_out}}


def score_run(results, frame: int = -1) -> dict[str, float]:
    config, trajectory = results.config, results.trajectory
    about = {"seed": config.seed, "metric": metric_of(config.distance), "linear": config.probe}
    return evaluate(trajectory.embeddings[frame], trajectory.labels, inputs_of(results), **about)


def inputs_of(results) -> np.ndarray | None:
    """Raw inputs (n, features) of the recorded points, in their order; None where there are none to compare with."""
    trajectory = results.trajectory
    held_out = trajectory.held_out is not None and trajectory.held_out.all()
    try:
        data = results.data()
        return data.flat((data.x_test if held_out else data.x)[torch.from_numpy(trajectory.index)]).numpy()
    except DataError:
        return None


def forces_of_views(results, epoch: int, weights: Mapping) -> Forces:
    """The forces on recorded points, as the model with these weights sees them beside the candidates of its training.

    Views are drawn as in that epoch, without dropout and with fixed statistics; a point has the sum of the forces on its views,
    to which the chain rule carries them. Other parts of the model stand still.
    """
    objective, target, blocks, move = seen_again(results, epoch, weights)
    rows = target.p.chunk(len(blocks))
    parts = [pull_and_push(objective, replace(target, p=p, log_p=None), *block) for block, p in zip(blocks, rows)]
    means = [sum(each) / len(blocks) for each in zip(*parts)]
    return Forces(*(torch.autograd.grad(mean, move, retain_graph=True)[0].numpy() for mean in means))


def seen_again(results, epoch: int, weights: Mapping) -> tuple[Objective, Target, list, Tensor]:
    """The objective, p, the blocks of the model after an epoch, and a move (n, d) of zeros that every view of a point takes."""
    config, data, trajectory = results.config, results.data(), results.trajectory
    model = build_model(config, data)
    model.load_state_dict(weights)
    model.eval().requires_grad_(False)
    if trajectory.held_out is not None and trajectory.held_out.any():
        for part in axes.SUPERVISORY[method_of(config).supervisory].needs:
            lacking = part in ("companion", "logits", "graph")
            demand(not lacking, f"p needs the {part} of the recorded points, and held-out points have none")
        trained = dict.fromkeys(("x_test", "y_test", "pair_test", "companion", "graph"))
        data = replace(data, x=data.x_test, y=data.y_test, pair=data.pair_test, **trained)
    index, cpu = torch.from_numpy(np.asarray(trajectory.index)), torch.device("cpu")
    views, rows = Reader(config, data, cpu, torch.float32).read(index, epoch, 0)
    move = torch.zeros(results.embeddings.shape, requires_grad=True)

    def moved(network, inputs, z: Tensor) -> Tensor:
        unit = z.norm(dim=1, keepdim=True).clamp_min(1e-12) if config.distance == "cosine" else 1.0  # directions are recorded
        return z + unit * move.repeat(len(z) // len(move), 1)

    model.backbone.register_forward_hook(moved)
    objective = build_objective(config)
    blocks = model(views)
    return objective, objective.target(model.taught(rows)()), blocks, move
