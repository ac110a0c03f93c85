"""Cases for the bench's mathematics: what its page is asked, and what the package says, in float64."""

from __future__ import annotations

import torch

from icon_nb.animation.bench import contents
from icon_nb.methods.catalogue import DIVERGENCES
from icon_nb.methods.config import Config
from icon_nb.objective.component import Batch
from icon_nb.objective.objective import build_objective

N, FEATURES, CLASSES = 20, 5, 4
SETTINGS = {"temperature": 0.7, "df": 1.6, "margin": 0.3, "perplexity": 4.5, "p_temperature": 1.3, "n_neighbors": 3}
SETTINGS |= {"kl_weight": 0.3, "renyi_order": 1.7}


def batch() -> Batch:
    """Twenty rows, two views of ten samples, with everything that a p may ask for."""
    random = torch.Generator().manual_seed(1)
    x = torch.randn(N, FEATURES, generator=random, dtype=torch.float64)
    graph = torch.rand(N, N, generator=random, dtype=torch.float64).mul(4).round()
    graph = (graph + graph.T).fill_diagonal_(0)
    y = torch.arange(N) % CLASSES
    return Batch(torch.arange(N) % (N // 2), x, y, CLASSES, torch.float64, graph=graph)


def configs() -> list[Config]:
    """Every pair of the page with every divergence, every distance, and with alpha on every side."""
    found = []
    for name, pair in contents()["pairs"].items():
        if "why" not in pair:
            p, q = name.split()
            backbone = pair["backbone"]
            for options in variants(pair):
                config = Config(supervisory=p, learned=q, backbone=backbone, **options)
                applies = {key: value for key, value in SETTINGS.items() if config.case.applies(key)}
                found.append(config.replace(**applies).resolve())
    return found


def variants(pair: dict) -> list[dict]:
    divergences = [{"divergence": name} for name, why in pair["divergences"].items() if why is None] or [{}]
    distances = [{"distance": name} for name, why in pair["distances"].items() if why is None] or [{}]
    mixed = [{"alpha": 0.2, "alpha_on": side} for side in (("p", "q", "both") if pair["divergences"] else ("p",))]
    plain = [{**divergence, **distance} for divergence in divergences for distance in distances]
    more = [{**divergence, **side, **distances[0]} for divergence in divergences for side in mixed]
    rows = {each.get("divergence"): DIVERGENCES.get(each.get("divergence")) for each in divergences}
    return plain + [each for each in more if not refuses_alpha(rows[each.get("divergence")], each["alpha_on"])]


def refuses_alpha(row, side: str) -> bool:
    """Whether a divergence cannot be had with p or q mixed: it needs strangers, or is infinite where p is zero."""
    return row is not None and (row.support or (row.reverse and side == "q"))


def embedding(config: Config) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Points (n, 3), and prototypes where the candidates are the classes."""
    random = torch.Generator().manual_seed(2)
    z = torch.randn(N, 3, generator=random, dtype=torch.float64)
    return z, torch.randn(CLASSES, 3, generator=random, dtype=torch.float64) if config.supervisory == "label" else None


def question(config: Config) -> dict:
    """One case as the page is asked it."""
    rows, (z, candidates) = batch(), embedding(config)
    pair = contents()["pairs"][f"{config.supervisory} {config.learned}"]
    settings = {**config.to_dict(), "p": config.supervisory, "q": config.learned}
    return {
        "settings": settings | {"self_p": pair["self"][0], "self_q": pair["self"][1]},
        "batch": {"x": flat(rows.x), "features": FEATURES, "y": rows.y.tolist(), "index": rows.index.tolist()}
        | {"graph": flat(rows.graph)},
        "z": flat(z),
        "candidates": None if candidates is None else flat(candidates),
        "shape": [N, N if candidates is None else CLASSES, 3],
    }


def answer(config: Config) -> dict:
    """What the package says: the loss, and the gradient by the points and by the prototypes."""
    z, candidates = embedding(config)
    z.requires_grad_()
    if candidates is not None:
        candidates.requires_grad_()
    loss = build_objective(config)(batch(), z, candidates)
    loss.backward()
    return {"loss": loss.item(), "z": z.grad.flatten(), "candidates": None if candidates is None else candidates.grad.flatten()}


def flat(x: torch.Tensor) -> list[float]:
    return x.flatten().tolist()


ASK = """(cases) => cases.map(({ settings, batch, z, candidates, shape }) => {
  const joint = settings.p === "gaussian_joint", own = candidates ? null : 0;
  const w = math.workspace(...shape, { own, joint });
  math.supervisory(settings, batch, w);
  const points = Float64Array.from(z), others = candidates ? Float64Array.from(candidates) : points;
  const loss = math.objective(settings, w, points, others), add = (a, b) => Array.from(a, (value, k) => value + b[k]);
  return { loss, z: add(w.pull, w.push), candidates: candidates ? add(w.pullC, w.pushC) : null, p: Array.from(w.p) };
})"""
"""The question to the page's own script, where ``math`` is what it is called there."""


def check(config: Config, said: dict) -> None:
    """What the page says is what the package says, to 1e-5 of the largest entry."""
    meant = answer(config)
    assert abs(said["loss"] - meant["loss"]) <= 1e-5 * abs(meant["loss"]) + 1e-12, config
    for name in ("z", "candidates"):
        if meant[name] is not None:
            gap = (torch.tensor(said[name], dtype=torch.float64) - meant[name]).abs().max()
            assert gap <= 1e-5 * meant[name].abs().max() + 1e-12, f"{name} of {config}"
