"""Forces where the recorded points are not each other's candidates: their views, prototypes and keys are made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..errors import ConfigError
from ..evaluation.forces import Forces, pull_and_push
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
    its views. Where the anchors are words in their context or dimensions, the chain rule carries their forces to the points.
    What comes from other parts of the model (prototypes, keys, the second modality) stands still.

    Raises
    ------
    ConfigError
        p needs companions or a graph, and the recorded points are held out.
    """
    objective, target, blocks, move = seen_again(results, epoch, weights)
    rows = target.p.chunk(len(blocks))
    parts = [pull_and_push(objective, replace(target, p=p, log_p=None), *block) for block, p in zip(blocks, rows)]
    means = [sum(each) / len(blocks) for each in zip(*parts)]
    return Forces(*(torch.autograd.grad(mean, move, retain_graph=True)[0].numpy() for mean in means))


def seen_again(results, epoch: int, weights: Mapping) -> tuple[Objective, Target, list, Tensor]:
    """The objective, p of the recorded points, the blocks that the model after an epoch makes of them, and their free move.

    The move (n, d) is zero. It is added to the embedding of every view of a point, so that gradients by it are on the points.
    """
    config, data, trajectory = results.config, results.data(), results.trajectory
    model = build_model(config, data)
    model.load_state_dict(weights)
    model.eval().requires_grad_(False)
    if trajectory.held_out is not None and trajectory.held_out.any():
        for part in axes.SUPERVISORY[method_of(config).supervisory].needs:
            if part in ("companion", "graph"):
                raise ConfigError(f"p needs the {part} of the recorded points, and held-out points have none")
        trained = dict.fromkeys(("x_test", "y_test", "pair_test", "companion", "graph"))
        data = replace(data, x=data.x_test, y=data.y_test, pair=data.pair_test, **trained)
    index, cpu = torch.from_numpy(np.asarray(trajectory.index)), torch.device("cpu")
    inputs, rows = Reader(config, data, cpu, torch.float32).read(index, epoch, 0)
    move = torch.zeros(results.embeddings.shape, requires_grad=True)

    def moved(network, inputs, z: Tensor) -> Tensor:
        length = z.norm(dim=1, keepdim=True) / as_seen_by(config.distance, z).norm(dim=1, keepdim=True)  # of a step of one
        return z + length * move.repeat(len(z) // len(move), 1)

    model.backbone.register_forward_hook(moved)
    objective = build_objective(config)
    return objective, objective.target(rows()), model(inputs), move
