"""Ways to damage a file: by accident, and on purpose."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import zipfile

import numpy as np
import torch

NONE = b"\x80\x02N."  # a pickled None


class Hostile:
    """Unpickling this leaves a mark in the folder named by ICON_NB_CANARY."""

    def __reduce__(self):
        return os.system, ('touch "$ICON_NB_CANARY/pwned"',)


def accident(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    """What disks, transfers and editors do."""
    data, at = bytearray(content), rng.randrange(max(1, len(content)))
    span = min(len(data) - at, rng.choice([1, 2, 7, 64, 512]))
    how = rng.choice(["flip", "flip", "byte", "cut", "insert", "delete", "double", "zero", "swap", "tail"])
    if how == "flip" and data:
        data[at] ^= 1 << rng.randrange(8)
    elif how == "byte" and data:
        data[at] = rng.randrange(256)
    elif how == "cut":
        del data[at:]
    elif how == "insert":
        data[at:at] = rng.randbytes(span + 1)
    elif how == "delete":
        del data[at : at + span]
    elif how == "double":
        data[at:at] = data[at : at + span]
    elif how == "zero":
        data[at : at + span] = bytes(span)
    elif how == "swap":
        other = rng.randrange(max(1, len(data) - span))
        data[at : at + span], data[other : other + span] = data[other : other + span], data[at : at + span]
    else:
        data += rng.randbytes(rng.randrange(1, 300))
    return how, bytes(data)


def anything(rng: random.Random) -> tuple[str, bytes]:
    """A file of another kind in its place."""
    kinds = {
        "empty": lambda: b"",
        "noise": lambda: rng.randbytes(rng.randrange(1, 5000)),
        "pickle": lambda: pickle.dumps(Hostile(), protocol=rng.randrange(6)),
        "torch pickle": lambda: _saved(Hostile()),
        "object array": lambda: _npz(trajectory=np.array([Hostile()], object), epochs=np.arange(1)),
        "deep json": lambda: (b"[" * 50_000) + (b"]" * 50_000),
        "deep object": lambda: b'{"a":' * 5000 + b"1" + b"}" * 5000,
        "long number": lambda: b'{"schema": ' + b"9" * 10_000 + b"}",
        "bomb": lambda: _bomb(),
        "paths": lambda: _zip({"../../pwned": b"x", "/tmp/pwned": b"x", "trajectory.npy": b"x", "archive/data.pkl": NONE}),
        "elf": lambda: b"\x7fELF" + rng.randbytes(200),
    }
    name = rng.choice(list(kinds))
    return name, kinds[name]()


NUMBERS = (None, True, 0, 1, -1, 2**31, 2**63, 10**400, 1e308, -1e308, float("nan"), float("inf"), 0.5)
WORDS = ("", "x" * 3000, "../../../etc/passwd", "/etc/passwd", "\0", "\ud800", "<script>alert(1)</script>", "\u202e", "a:b")
VALUES = (*NUMBERS, *WORDS, [], {}, [[]], [None], {"a": {}}, [1, "a", None])


def json_edit(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    """A JSON file with one to three of its values replaced, removed, renamed or repeated."""
    value = json.loads(content)
    for _ in range(rng.choice([1, 1, 2, 3])):
        _edit(value, rng)
    return "json edit", json.dumps(value, ensure_ascii=True).encode()


def _edit(value, rng: random.Random) -> None:
    """Change one place, found by walking down at random."""
    while isinstance(value, (dict, list)) and value:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = rng.choice(list(keys))
        if isinstance(value[key], (dict, list)) and value[key] and rng.random() < 0.8:
            value = value[key]
            continue
        how = rng.choice(["replace"] * 6 + ["remove", "rename", "grow"])
        if how == "remove":
            del value[key]
        elif how == "rename" and isinstance(value, dict):
            value[rng.choice(["", "epochs", "__class__", "self", "x" * 500, "../x"])] = value.pop(key)
        elif how == "grow" and isinstance(value, list):
            value.extend([value[key]] * rng.randrange(1, 20))
        else:
            value[key] = rng.choice(VALUES)
        return


def array_edit(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    """The arrays of an .npz with one of another shape, type or content, or a header that promises what is not there."""
    with np.load(io.BytesIO(content)) as file:
        arrays = {name: file[name] for name in file.files}
    name = rng.choice(list(arrays))
    old, how = arrays[name], rng.choice(["shape", "dtype", "nan", "huge", "gone", "other", "header", "bomb", "object", "empty"])
    if how == "header":
        return how, _zip({**{f"{k}.npy": _npy(v) for k, v in arrays.items() if k != name}, f"{name}.npy": _promise(rng)})
    arrays[name] = {
        "shape": lambda: old.reshape(-1)[: max(1, old.size // 2)],
        "dtype": lambda: old.astype(rng.choice([np.float64, np.int8, np.complex64, "U4", bool, "M8[s]", np.float16])),
        "nan": lambda: np.where(np.arange(old.size).reshape(old.shape) % 7 == 0, np.nan, old.astype(float)).astype(np.float32),
        "huge": lambda: np.full_like(old, 1 if old.dtype == bool else np.finfo(np.float32).max if old.dtype.kind == "f" else 127),
        "gone": lambda: old[:0],
        "other": lambda: np.arange(60).reshape(3, 4, 5),
        "bomb": lambda: np.zeros(2_000_000),
        "object": lambda: np.array([Hostile()], object),
        "empty": lambda: np.zeros((0, 0, 0), np.float32),
    }[how]()
    if rng.random() < 0.1:
        del arrays[name]
    return how, _npz(rng.random() < 0.5, **arrays)


def tensor_edit(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    """The tensors of a .pt with one of another shape, type, layout or name, or something that is no tensor."""
    state = torch.load(io.BytesIO(content), weights_only=True)
    name = rng.choice(list(state))
    old = state[name]
    edits = {
        "shape": lambda: old.flatten()[:1],
        "dtype": lambda: old.to(rng.choice([torch.float64, torch.int8, torch.complex64, torch.bfloat16, torch.bool])),
        "expanded": lambda: torch.zeros(1).expand(40_000, 40_000),
        "sparse": lambda: old.to_sparse(),
        "meta": lambda: torch.empty(old.shape, device="meta"),
        "hostile": lambda: Hostile(),
        "list": lambda: [1, 2, {"a": "../x"}],
        "nested": lambda: {"a": {"b": old}},
        "nan": lambda: torch.full_like(old, torch.nan) if old.is_floating_point() else old,
        "module": lambda: torch.nn.Linear(2, 2),
        "gone": lambda: None,
    }
    how = rng.choice(list(edits))
    state[name] = edits[how]()
    if how == "gone":
        del state[name]
    if rng.random() < 0.1:
        state[rng.choice(["", "backbone.", "../x", 7])] = old
    return how, _saved(state if rng.random() < 0.95 else list(state.values()))


def _saved(value) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def _npz(small: bool = False, /, **arrays) -> bytes:
    buffer = io.BytesIO()
    (np.savez_compressed if small else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def _promise(rng: random.Random) -> bytes:
    """An .npy header without what it declares."""
    shape = rng.choice([(2**40,), (2**62, 2**62), (-1,), (10**6, 10**6, 10**6), (3, 10**9, 2)])
    descr = rng.choice(["<f4", "|O", "<U9999999", "<f8", "|V99999999"])
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue() + bytes(rng.randrange(64))


def _zip(entries: dict[str, bytes], how=zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _bomb() -> bytes:
    """100 MiB of zeros in 100 KiB."""
    zeros = _npy(np.zeros(1)) + bytes(100 << 20)
    return _zip({"trajectory.npy": zeros, "archive/data.pkl": NONE}, zipfile.ZIP_DEFLATED)


EDITS = {".json": json_edit, ".npz": array_edit, ".pt": tensor_edit}
