"""Saved runs: a folder of plain files, of which ``metrics.json``, the last, makes the run complete. Loading never unpickles."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

from ...errors import ConfigError, LoadError, SaveError, demand
from ...evaluation.trajectory import Trajectory
from ...files import LARGEST_TEXT, digest, place, read, write_together
from ...methods.config import Config
from ...training.backbones import build_backbone, seeded
from . import verify

SCHEMA = 1
RECORD = "metrics.json"
COMPARISON = "comparison.json"
CHECKPOINTS = "checkpoints"
STATES = "weights"
OPTIMIZER = "optimizer.pt"
LOCK = ".running"
FILES = ("config.json", "provenance.json", "embeddings.npz", "model.pt")
_ARRAYS = ("epochs", "labels", "index", "images", "held_out", "pair", "edges")


def save(results, path, *, overwrite: bool = False) -> Path:
    """Write the run to a folder, all of it or nothing that could be mistaken for it; returns the path.

    A SaveError where the folder holds another run or files of no run (unless ``overwrite``), or cannot be written.
    """
    path, files = place(path), pack(results)
    standing: dict[str, str | None] = dict.fromkeys(files.keys() - {RECORD})
    for name in standing:
        with suppress(OSError):
            standing[name] = digest(read(path / name))
    if _holds(path, standing, files):
        return path
    demand(path.is_dir() or not path.exists(), f"{path} is a file: choose a folder", SaveError)
    if (path / RECORD).exists() and not overwrite:
        raise SaveError(f"{path} holds another run: choose another folder, or pass overwrite=True")
    if not overwrite and (theirs := foreign(path, FILES)):
        raise SaveError(f"{path} holds {', '.join(theirs)}, of no run: choose another folder, or pass overwrite=True")
    fresh = {path / name: content for name, content in files.items() if standing.get(name) != digest(content)}
    write_together(fresh, lambda: (path / RECORD).unlink(missing_ok=True))
    return path


def own(path: Path) -> Path:
    """A folder that a run writes into, which is no link to another."""
    demand(not path.is_symlink(), f"{path} is a link to another folder, which a run would write into: remove it", SaveError)
    return path


def pack(results) -> dict[str, bytes]:
    """The files of a saved run, by name; the record that makes it complete is the last."""
    trajectory, buffer = results.trajectory, io.BytesIO()
    arrays = {name: getattr(trajectory, name) for name in _ARRAYS if getattr(trajectory, name) is not None}
    np.savez(buffer, trajectory=trajectory.embeddings, embeddings=trajectory.embeddings[-1], **arrays)
    contents = {
        "config.json": results.config.to_json().encode(),
        "provenance.json": to_json(results.provenance),
        "embeddings.npz": buffer.getvalue(),
        "model.pt": pack_tensors(results.state),
    }
    if results.history["epoch"][-1] in results.states:
        contents[OPTIMIZER] = pack_tensors(results.states[results.history["epoch"][-1]][1])
    record = {
        "schema": SCHEMA,
        "status": results.status,
        "error": results.error,
        "final": {name: values[-1] for name, values in results.history.items()},
        "history": results.history,
        "probes": results.__dict__.get("probes"),
        "trajectory": {
            "title": trajectory.title,
            "class_names": list(trajectory.class_names),
            "names": list(trajectory.names),
            "sides": list(trajectory.sides),
            "metrics": {name: values.tolist() for name, values in trajectory.metrics.items()},
        },
        "files": {name: digest(content) for name, content in contents.items()},
    }
    return {**contents, RECORD: to_json({**record, "checksum": digest(to_json(record))})}


def foreign(path: Path, names: Iterable[str]) -> list[str]:
    """Those of the names that exist in a folder without a run's record, checkpoints or lock: files not ours to replace."""
    ours = any((path / name).exists() for name in (RECORD, CHECKPOINTS, LOCK))
    return [] if ours else [name for name in names if os.path.lexists(path / name)]


def _holds(path: Path, standing: Mapping[str, str | None], files: Mapping[str, bytes]) -> bool:
    """Whether the folder holds this very run already, times aside."""
    try:
        old, new = _read_record(path), json.loads(files[RECORD])
    except LoadError:
        return False
    whole = all(old["files"].get(name) == checksum for name, checksum in standing.items())
    same = all(old["files"].get(name) == new["files"][name] for name in standing if name != "provenance.json")
    return whole and same and old.get("probes") == new["probes"]


def to_json(value) -> bytes:
    return (json.dumps(_finite(value), indent=2, ensure_ascii=False) + "\n").encode()


def _finite(value):
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    if isinstance(value, (np.floating, float)):
        return float(value) if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def pack_tensors(state: Mapping) -> bytes:
    """Weights by name, or what an optimizer remembers of each, as the bytes of a file of plain tensors."""
    plain = lambda each: each.detach().cpu().contiguous() if isinstance(each, torch.Tensor) else each  # noqa: E731
    buffer = io.BytesIO()
    torch.save({k: {n: plain(e) for n, e in v.items()} if isinstance(v, dict) else plain(v) for k, v in state.items()}, buffer)
    return buffer.getvalue()


def read_state(folder: Path, epoch: int, last: int) -> tuple[Mapping, Mapping] | None:
    """Weights and optimizer state of a saved run after an epoch; None where they were not kept."""
    if epoch == last and (folder / OPTIMIZER).exists():
        checksums = _read_record(folder)["files"]
        file, other = folder / "model.pt", folder / OPTIMIZER
        weights, state = (_read(path, checksums.get(path.name)) for path in (file, other))
    else:
        file, other = (folder / STATES / f"epoch_{epoch:03d}{suffix}" for suffix in (".pt", ".optimizer.pt"))
        if not (file.exists() and other.exists()):
            return None
        weights, state = _read(file), _read(other)
    return verify.state(weights, file), verify.tensors(state, other)


def load_run(source: Path | Mapping[str, bytes], kind: type):
    """A saved run, a record of this kind, from its folder, or from its files as :func:`pack` makes them."""
    if isinstance(source, Path):
        path, record = source, _read_record(source)
        contents = {name: _read(path / name, record["files"].get(name)) for name in FILES}
    else:
        path, record, contents = Path("a run from elsewhere"), json.loads(source[RECORD]), source
    with verify.reading(path / "config.json"):
        config = Config.from_json(contents["config.json"], where="config.json").resolve()  # what it leaves out: defaults
    with verify.reading(path / "provenance.json"):
        provenance = verify.parse(contents["provenance.json"])
        verify.follows(provenance, verify.PROVENANCE, path / "provenance.json")
    config = config.replace_sources(provenance.get("sources") or {})
    trajectory = _unpack(contents["embeddings.npz"], record["trajectory"], path)
    state = verify.state(contents["model.pt"], path / "model.pt")
    try:
        backbone = _backbone(config, provenance["dataset"], state)
    except ConfigError as error:
        raise LoadError(f"{path / 'config.json'}: {error}") from error
    except Exception as error:  # torch raises many kinds; any of three files may be the one that is wrong
        described = f"the network that {path / 'config.json'} and {path / 'provenance.json'} describe"
        why = (str(error).splitlines() or [""])[0][:200]
        raise LoadError(f"{path / 'model.pt'} does not fit {described} ({why}): {verify.REMEDY}") from error
    history = {name: [math.nan if value is None else value for value in values] for name, values in record["history"].items()}
    results = kind(config, history, trajectory, backbone, record["status"], provenance, record["error"], state)
    results.folder = path if path is source else None
    if record.get("probes") is not None:
        results.__dict__["probes"] = record["probes"]
    return results


def _read_record(path: Path) -> dict:
    demand(path.is_dir(), f"{path} is not a folder: give the folder of a saved run", LoadError)
    if not (path / RECORD).exists():
        there = ", ".join(name for name in FILES if (path / name).exists())
        begun = f"it holds {there} but no {RECORD}: the run was not finished; icon-nb --resume goes on with it"
        raise LoadError(f"{path} cannot be loaded: {begun if there else 'it holds no run'}")
    content = _read(path / RECORD)
    with verify.reading(path / RECORD):
        record = json.loads(content)
        verify.expect(isinstance(record, dict) and "schema" in record, path / RECORD, "it is not the record of a run")
        verify.version(record["schema"], SCHEMA, path / RECORD)
        checksum = record.pop("checksum", None)
        verify.expect(checksum == digest(to_json(record)), path / RECORD, "its checksum does not match")
        verify.follows(record, verify.RUN, path / RECORD)
    return record


def _read(path: Path, expected: str | None = "") -> bytes:
    """The bytes of a file, with this checksum where there is one."""
    with verify.reading(path):
        content = read(path, LARGEST_TEXT if path.suffix == ".json" else None)
    if expected != "" and digest(content) != expected:
        raise LoadError(f"{path} is damaged or was changed after the run was saved ({RECORD} names another): {verify.REMEDY}")
    return content


def _unpack(content: bytes, about: dict, path: Path) -> Trajectory:
    file = path / "embeddings.npz"
    with verify.reading(file):
        with np.load(verify.container(content, file), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in _ARRAYS if name in arrays}
            embeddings = arrays["trajectory"]
        verify.arrays(embeddings, found, len(about["class_names"]), file)
    metrics = {name: np.array([math.nan if v is None else v for v in values], float) for name, values in about["metrics"].items()}
    frames = all(len(values) == len(embeddings) for values in metrics.values())
    verify.expect(frames, path / RECORD, "the metrics of the trajectory are not one value a frame")
    texts = {name: tuple(about.get(name) or ()) for name in ("class_names", "names", "sides")} | {"title": about["title"]}
    verify.expect(len(texts["sides"]) in (0, 2), path / RECORD, "its sides are not two texts")
    verify.expect(len(texts["names"]) in (0, embeddings.shape[1]), path / RECORD, "the names of the points are not one a point")
    return Trajectory(embeddings, metrics=metrics, **texts, **found)


def _backbone(config: Config, about: dict, state: dict) -> torch.nn.Module:
    """The network with its weights. It is planned without memory first: only the file's own tensors ever take any."""
    sizes = {"n_points": about["n_train"], "hidden_dim": config.hidden_dim, "n_tokens": about["n_tokens"] or None}
    with seeded(0), torch.device("meta"):
        backbone = build_backbone(config.backbone, tuple(about["shape"]), config.embedding_dim, kind=about["kind"], **sizes)
    own = {name.removeprefix("backbone."): each.clone() for name, each in state.items() if name.startswith("backbone.")}
    dtypes = {each.dtype for each in own.values() if each.is_floating_point()}
    if len(dtypes) != 1 or dtypes > {torch.float32, torch.float64}:
        raise ValueError(f"its weights have dtype {', '.join(sorted(map(str, dtypes))) or 'none'}")
    backbone.to(dtypes.pop()).load_state_dict(own, assign=True)
    return backbone.eval()
