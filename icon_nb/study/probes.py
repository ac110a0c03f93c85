"""Probes of a run on held-out data, against the untrained backbone and the raw inputs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ..data.arrays import inputs, to_numpy
from ..data.dataset import Dataset
from ..errors import ConfigError, DataError, nearest
from ..evaluation.scores import evaluate, probe
from ..evaluation.trajectory import choose_points
from ..methods.config import Config
from ..objective.distances import as_seen_by, metric_of
from ..training.backbones import seeded
from ..training.batches import other_side
from ..training.candidates import build_model, projection, second_encoder

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
    """The trained encoder of a modality, and the data that say how its samples are read.

    Raises
    ------
    ConfigError
        There is none; says what there is.
    """
    data, config = results.data(), results.config
    if modality == "x":
        return results.backbone, data
    own = {name.removeprefix("other."): each for name, each in results.state.items() if name.startswith("other.")}
    if modality != "pair":
        raise ConfigError(f"modality={modality!r} is not known; {nearest(modality, ['x', 'pair'])}")
    if not own:
        raise ConfigError(
            f"modality='pair': method={config.label!r} trains one encoder, of x; use a method over two modalities, such as clip"
        )
    with seeded(config.seed):
        network = second_encoder(config, data, results.backbone)["other"]
    network.to(next(results.backbone.parameters()).dtype).load_state_dict(own)
    return network, other_side(data)


def new_samples(dataset: Dataset, x) -> Tensor:
    """Raw samples from outside, read by the same rules as the data set itself: (n, ...) in its form.

    Raises
    ------
    DataError
        Another shape than the data set's, or pictures on a scale that only the whole set could tell.

    Examples
    --------
    >>> from icon_nb.data import load
    >>> new_samples(load("digits"), np.ones((2, 8, 8))).max()  # from 0..1
    tensor(255, dtype=torch.uint8)
    """
    if dataset.kind == "tokens":
        return _new_tokens(dataset, to_numpy(x, "x"))
    if not isinstance(x, Tensor) or x.dtype != dataset.x.dtype or x.shape[1:] != dataset.x.shape[1:]:
        array, note = inputs(x, "x")
        if "stretched" in note:
            raise DataError(f"{note}: bring new pictures to 0..1 or 0..255, as the pictures of {dataset.name} were brought there")
        x = torch.from_numpy(array)
    if x.dtype != dataset.x.dtype or x.shape[1:] != dataset.x.shape[1:]:
        raise DataError(
            f"x holds samples {x.dtype} {tuple(x.shape[1:])}, {dataset.name} {dataset.x.dtype} {dataset.shape}: give that form"
        )
    return x


def _new_tokens(dataset: Dataset, x: np.ndarray) -> Tensor:
    if x.dtype.kind not in "iu" or x.shape[1:] != dataset.shape:
        raise DataError(
            f"x holds samples {x.dtype} {x.shape[1:]}, {dataset.name} whole numbers {dataset.shape}: "
            "give that form, with 0 after the end"
        )
    if x.size and not 0 <= x.min() <= x.max() < dataset.n_tokens:
        raise DataError(f"x holds tokens from {x.min()} to {x.max()}, {dataset.name} knows 0 to {dataset.n_tokens - 1}")
    return torch.from_numpy(x.astype(np.int64))


def probe_run(results) -> dict[str, dict[str, float]]:
    """Linear probe and kNN (k=5) of a run's embedding and of its baselines; :func:`icon_nb.evaluate.probe` says on which parts.

    The points are the held-out ones where the data set has a split, the training points otherwise and for a ``table``, which has
    no others; ``held_out`` says which. Of more than 10,000 it is as many, drawn by the run's seed.

    Returns
    -------
    dict
        ``trained``, ``untrained`` and ``raw``, and ``behind the head`` where there is one, each with ``linear_probe`` and ``knn``
        in [0, 1]; ``about`` with ``n_points`` and ``held_out``. Empty where nothing can be learned or tested: no labels, one
        class, or no class with two points.
    """
    data, config = results.data(), results.config
    held_out = data.x_test is not None and config.backbone != "table"
    x, y = (data.x_test, data.y_test) if held_out else (data.x, data.y)
    if y is None:
        return {}
    keep = torch.from_numpy(choose_points(len(x), MAX_PROBE_POINTS, config.seed))
    x, y = x[keep], y[keep]
    if not 2 <= len(y.unique()) < len(y):
        return {}
    untrained = build_model(config, data).backbone
    if config.backbone == "table":
        embedded = [network(keep).detach().numpy() for network in (results.backbone, untrained)]
    else:
        embedded = [embed(network, data, x, config) for network in (results.backbone, untrained)]
    named = {"trained": embedded[0], "untrained": embedded[1], "raw": data.flat(x).numpy()}
    if config.head in ("linear", "mlp"):
        head = projection(config.embedding_dim, config.head)
        head.load_state_dict({name[5:]: each for name, each in results.state.items() if name.startswith("head.")})
        head.to(next(results.backbone.parameters()).dtype)
        named["behind the head"] = embed(nn.Sequential(results.backbone, head), data, x, config)
    scores = {
        name: probe(z, y, seed=config.seed, metric="auto" if name == "raw" else metric_of(config.distance))
        for name, z in named.items()
    }
    return {**scores, "about": {"n_points": len(x), "held_out": held_out}}


def score_run(results) -> dict[str, float]:
    """Every score of the final embedding of the recorded points; see :func:`icon_nb.evaluate.evaluate`.

    The points are those of the trajectory: held out where the data set has a split. Scores that compare with the inputs are NaN
    where the data are not at hand any more, or cannot be compared (tokens); the linear probe is NaN where the run has
    ``probe=False``.
    """
    trajectory = results.trajectory
    return evaluate(
        trajectory.embeddings[-1],
        trajectory.labels,
        inputs_of(results),
        seed=results.config.seed,
        metric=metric_of(results.config.distance),
        linear=results.config.probe,
    )


def inputs_of(results) -> np.ndarray | None:
    """Raw inputs (n, features) of the recorded points, in their order; None where there are none to compare with."""
    trajectory = results.trajectory
    try:
        data = results.data()
        held_out = trajectory.held_out is not None and bool(trajectory.held_out.all())
        return data.flat((data.x_test if held_out else data.x)[torch.from_numpy(trajectory.index)]).numpy()
    except DataError:
        return None
