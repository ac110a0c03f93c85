"""The objective as a criterion of anybody's training loop: ``icon.loss("simclr")(z1, z2)``."""

from __future__ import annotations

from dataclasses import replace
from pkgutil import resolve_name
from types import NoneType, SimpleNamespace

import torch
from torch import Tensor, nn

from ..errors import ConfigError, DataError, demand, demand_type
from ..methods import axes
from ..methods.catalogue import CANDIDATES
from ..methods.config import SETTINGS, Config
from ..methods.resolve import method_of
from ..objective.component import Batch
from ..objective.objective import build_objective


def loss(config: Config | str | None = None, *, n_classes: int | None = None, in_features: int | None = None, **settings):
    r"""The objective of any method, or of any pair of p and q, as a criterion for your own training loop.

    .. math:: L = \frac1n \sum_i D(p_i \Vert q_i)

    Parameters
    ----------
    config : Config or str, optional
        A method by name, or a Config, of which only what belongs to the objective counts. Of a name the temperature is the
        method's own; that of a Config may come from its data set.
    n_classes : int, optional
        For methods with a learned prototype per class, or per token: how many.
    in_features : int, optional
        Puts a linear layer from so many features to ``embedding_dim`` in front, for instance a head whose outputs are the logits
        of clusters.
    **settings
        Settings of the objective, and ``embedding_dim``.

    Returns
    -------
    Criterion

    Raises
    ------
    ConfigError
        What :class:`icon_nb.Config` refuses, a setting that is not about the objective, or ``n_classes`` where it is missing or
        has no use.

    Examples
    --------
    >>> criterion = loss("simclr", temperature=0.5)
    >>> criterion
    Criterion(method='simclr', temperature=0.5)
    >>> z1, z2 = torch.eye(4, requires_grad=True), torch.eye(4)
    >>> round(criterion(z1, z2).item(), 4)
    0.5944
    >>> loss("supcon")(z1, labels=torch.tensor([0, 0, 1, 1])).isfinite().item()
    True
    >>> loss("sne")(z1)
    Traceback (most recent call last):
    icon_nb.errors.DataError: method='sne' needs the samples themselves: criterion(z, inputs=x)
    """
    foreign = [name for name in settings if name in SETTINGS and SETTINGS[name].group != "objective" and name != "embedding_dim"]
    if foreign or "n_views" in settings:
        raise ConfigError(f"{(foreign or ['n_views'])[0]} has no effect on a loss, which sees embeddings only: leave it out")
    if config is None or isinstance(config, str):
        config = Config(method=config, dataset="digits", **settings)  # the data set that brings no settings of its own
    else:
        demand_type("config", config, Config, "a method's name, or a Config")
        config = config.replace(**settings)
    return Criterion(config, n_classes, in_features)


class Criterion(nn.Module):
    """D(p || q) of a batch as a module; made by :func:`icon_nb.loss`. Learned prototypes and the head are its parameters."""

    def __init__(self, config: Config, n_classes: int | None = None, in_features: int | None = None):
        super().__init__()
        self.config, resolved = config, config.resolve()
        self.method, self.n_classes = method_of(resolved), n_classes or 0
        self.objective = build_objective(resolved)
        self.kind = CANDIDATES[self.method.p.candidates]
        if bool(self.kind.parts and not self.kind.counted) != bool(n_classes):
            said = "needs n_classes=..., one prototype each" if self.kind.parts else "has no use for n_classes: leave it out"
            raise ConfigError(f"method={config.label!r} {said}")
        self.width, self.prototypes = resolved.embedding_dim, None
        for name, make in self.kind.parts.items():
            setattr(self, name, resolve_name(make)(n_classes or resolved.n_candidates, self.width))
        self.head = nn.Linear(in_features, self.width) if in_features else nn.Identity()

    def forward(
        self, z: Tensor, other: Tensor | None = None, *,
        index=None, labels=None, inputs=None, pair=None, companion=None, graph=None,
    ) -> Tensor:  # fmt: skip
        """The loss, a scalar, of embeddings z.

        Parameters
        ----------
        z : (n, d)
            Embeddings; logits of the clusters for a q of clusters.
        other : (n, d), optional
            The second view of the same samples, in the same order, instead of ``index``.
        index : (n,) int64, optional
            The sample that each row is a view of. Methods that compare two halves want all first views, then all second ones.
        labels : (n,) int64, optional
            Classes, or hidden tokens.
        inputs : (n, ...), optional
            The samples in input space.
        pair : (n, d), optional
            Embeddings of the other modality; where there is a slow encoder, as in ``mocov3``, of both views by it.
        companion : (n, f), optional
            Embeddings of the same samples from elsewhere.
        graph : (n, n), optional
            Non-negative weights of edges.

        Raises
        ------
        DataError
            Something that p needs is missing, has another number of rows, or is given and has no effect.
        """
        for name, each in {"z": z, "other": other}.items():
            demand_type(name, each, (Tensor, NoneType) if name == "other" else Tensor, "a tensor (n, d)", DataError)
        given = {"index": index, "labels": labels, "inputs": inputs, "pair": pair, "companion": companion, "graph": graph}
        given = {name: torch.cat(each) if isinstance(each, tuple) else each for name, each in given.items() if each is not None}
        if other is not None:
            if index is not None or other.shape != z.shape:
                shapes = f"{tuple(z.shape)} and {tuple(other.shape)}"
                raise DataError(f"two views come as criterion(z1, z2), of one shape and without index: got {shapes}")
            both = {name: torch.cat([value] * 2) for name, value in given.items() if len(value) == len(z)}  # of the samples
            given = {"index": torch.arange(len(z), device=z.device).repeat(2), **given, **both}
            z = torch.cat([z, other])
        self._check(z, given)
        with torch.autocast(z.device.type, enabled=False):
            z, pair = (None if each is None else self._headed(each) for each in (z, given.get("pair")))
            if self.kind.parts and z.shape[1] != self.width:
                raise DataError(f"z has {z.shape[1]} dimensions and the prototypes or the queue {self.width}: set embedding_dim")
            held = {name: getattr(self, name, None) for name in ("queue", "centre", "draws", "training")}
            held["prototypes"] = None if self.prototypes is None else self.prototypes.to(z.dtype)
            views = {"embed": lambda x: z, "backbone": lambda x: z, "other": lambda x: pair, "slow": lambda x: pair.detach()}
            seen, batch = SimpleNamespace(**views, **held, predictor=lambda x: x, scores=None), self._batch(z, given)
            blocks = resolve_name(self.kind.make)(seen, (z, pair))
            batch = batch if seen.scores is None else replace(batch, companion=seen.scores)
            return self.objective.loss(self.objective.target(batch), blocks)

    def _headed(self, z: Tensor) -> Tensor:
        """z behind the head, in single precision at least: that of a half would lose the small probabilities."""
        weight = next(self.head.parameters(), None)
        return self.head(z.to(torch.promote_types(z.dtype, torch.float32) if weight is None else weight.dtype))

    def _check(self, z: Tensor, given: dict) -> None:
        """Refuse what is missing, what has no effect, and what has another number of rows."""
        name = f"method={self.config.label!r}"
        demand(z.dim() == 2 and len(z), f"embeddings must be (n, d) with n at least 1, got {tuple(z.shape)}", DataError)
        needs = map(axes.NEEDS.get, self.method.p.needs)
        asked = {need.argument: need.asks for need in needs if need.argument}
        if self.kind.after_step:
            asked["pair"] = "both views as the slow encoder sees them: criterion(z1, z2, pair=(keys1, keys2))"
        for argument, words in asked.items():
            demand(argument in given, f"{name} needs {words}", DataError)
        for argument, value in given.items():
            demand(argument in asked, f"{argument}= has no effect with {name}: leave it out", DataError)
            rows = f"{argument} has {len(value)} rows and the embeddings {len(z)}"
            demand(len(value) == len(z), f"{rows}: give one for each", DataError)
        halves = given["index"].chunk(2) if self.kind.two_views else ()
        if halves and not (len(z) % 2 == 0 and torch.equal(*halves)):
            raise DataError(f"{name} compares two views: give all first ones, then all second ones, in the same order")

    def _batch(self, z: Tensor, given: dict) -> Batch:
        """What p may look at; where the candidates are dimensions, its rows are those."""
        index, labels = (torch.as_tensor(given[k]).to(z.device) if k in given else None for k in ("index", "labels"))
        if self.method.p.candidates == "dimensions":
            index = torch.arange(z.shape[1], device=z.device)
        if labels is not None and labels.is_floating_point():
            raise DataError("labels must be whole numbers, one class for each row")
        if self.n_classes and labels is not None and not 0 <= int(labels.min()) <= int(labels.max()) < self.n_classes:
            raise DataError(f"labels must be from 0 to {self.n_classes - 1}, since n_classes={self.n_classes}")
        inputs, companion, graph = (given[k].to(z) if k in given else None for k in ("inputs", "companion", "graph"))
        index = torch.arange(len(z), device=z.device) if index is None else index
        return Batch(index, None if inputs is None else inputs.flatten(1), labels, self.n_classes, z.dtype, companion, graph)

    def __repr__(self) -> str:
        return f"Criterion({repr(self.config.replace(dataset=None))[len('Config('):]}"
