"""Forces where the recorded points are not each other's candidates: their views, prototypes and keys are made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from ..errors import ConfigError
from ..evaluation.forces import Forces, split_forces
from ..methods import axes
from ..methods.resolve import method_of
from ..objective.batch import Target
from ..objective.distances import as_seen_by
from ..objective.objective import Objective, build_objective
from ..training.batches import Reader
from ..training.candidates import build_model


def forces_of_views(results, epoch: int, weights: Mapping) -> Forces:
    """The forces on recorded points, as the model with these weights sees them beside the candidates of its training.

    Views are drawn for that epoch as in training, without dropout and with fixed statistics; a point has the sum of the forces on
    its views. Candidates that are not points (prototypes, keys, the other view of a one-way pair) stand still.

    Raises
    ------
    ConfigError
        The anchors are dimensions, words or pairs of two modalities, and no points.
    """
    if axes.SUPERVISORY[method_of(results.config).supervisory].candidates in ("dimensions", "modality", "tokens"):
        raise ConfigError(f"method={results.config.label!r} has no forces on points: its anchors are not the recorded points")
    objective, target, blocks = seen_again(results, epoch, weights)
    share, parts = 1 / len(blocks), zip(blocks, target.p.chunk(len(blocks)))
    found = [split_forces(objective, replace(target, p=p, log_p=None), z, candidates) for (z, candidates), p in parts]
    summed = [sum(part.reshape(-1, *results.embeddings.shape).sum(0) for part in each) * share for each in zip(*found)]
    return Forces(*(part.numpy() for part in summed))


def seen_again(results, epoch: int, weights: Mapping) -> tuple[Objective, Target, list]:
    """The objective, p of the recorded points, and the anchors and candidates that the model after an epoch makes of them."""
    config, data, trajectory = results.config, results.data(), results.trajectory
    model = build_model(config, data)
    model.load_state_dict(weights)
    model.eval()
    if trajectory.held_out is not None and trajectory.held_out.any():
        data = replace(data, x=data.x_test, y=data.y_test, x_test=None, y_test=None)
    index, cpu = torch.from_numpy(np.asarray(trajectory.index)), torch.device("cpu")
    inputs, rows = Reader(config, data, cpu, torch.float32).read(index, epoch, 0)
    objective = build_objective(config)
    with torch.no_grad():
        blocks = [[None if z is None else as_seen_by(config.distance, z) for z in block] for block in model(inputs)]
    return objective, objective.target(rows()), blocks
