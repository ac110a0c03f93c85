"""Checkpoints: after every epoch, what is needed to go on to the bit-identical end; the last two are kept.

Each recorded frame is written once, as a file of its own; a checkpoint holds weights, optimizer state and history, and names the
frames. Writing happens beside the next epoch, in one thread, on copies.
"""

from __future__ import annotations

import io
import json
import math
import re
import shutil
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from ...data.dataset import describe, is_described
from ...errors import ConfigError, DataError, LoadError
from ...files import digest, sweep_stray, write_whole
from ..session import Session
from .lock import FolderLock
from .store import CHECKPOINTS, RECORD, pack_state
from .verify import expect, reading

KEPT = 2
_NAME = re.compile(r"epoch_(\d{6})-([0-9a-f]{16})\.pt")


class Checkpoints:
    """The checkpoints of one run folder, locked against a second run while it is open.

    Parameters
    ----------
    folder : Path
        The run's folder; made when it is not there.

    Raises
    ------
    SaveError
        Another run that is still alive writes into this folder, from this process or another; or it cannot be written.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder) / CHECKPOINTS
        self._worker = ThreadPoolExecutor(1)
        self._pending: Future | None = None
        self._written: dict[int, str] = {}  # epoch of every frame on the disk -> its checksum
        self._lock = FolderLock(folder)
        sweep_stray(Path(folder))

    def save(self, session: Session) -> None:
        """Write the state after this epoch; waits for the write before it.

        Raises
        ------
        SaveError
            The write before it failed, for instance on a full disk.
        """
        self.wait()
        recorder, data = session.recorder, {"dataset": describe(session.dataset), "strategy": strategy_of(session)}
        state = {
            "model": session.good,
            "optimizer": _copied(session.trainer.optimizer.state_dict()),
            "about": json.dumps({"history": session.history, "frames": recorder.kept(), "epoch": session.trainer.epoch, **data}),
        }
        fresh = {epoch: frame for epoch, frame in recorder.frames() if epoch not in self._written}
        if session.config.save_checkpoints and session.trainer.epoch in fresh:
            write_whole(self.folder.parent / "weights" / f"epoch_{session.trainer.epoch:03d}.pt", pack_state(session.good))
        self._pending = self._worker.submit(self._write, session.trainer.epoch, state, fresh, {e for e, _ in recorder.frames()})

    def _write(self, epoch: int, state: dict, fresh: Mapping[int, np.ndarray], kept: set[int]) -> None:
        for number, frame in fresh.items():
            buffer = io.BytesIO()
            np.save(buffer, frame, allow_pickle=False)
            self._written[number] = digest(buffer.getvalue())
            write_whole(self._frame(number), buffer.getvalue())
        buffer = io.BytesIO()
        torch.save({**state, "frames": json.dumps({number: self._written[number] for number in kept})}, buffer)
        content = buffer.getvalue()
        write_whole(self.folder / f"epoch_{epoch:06d}-{digest(content)[:16]}.pt", content)
        for path in self.all()[KEPT:]:
            path.unlink()
        for number in set(self._written) - kept:
            self._frame(number).unlink(missing_ok=True)
            del self._written[number]

    def wait(self) -> None:
        """Until the last write is on the disk."""
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.result()

    def all(self) -> list[Path]:
        """Every checkpoint, the newest first."""
        return sorted((path for path in self.folder.glob("epoch_*.pt") if _NAME.fullmatch(path.name)), reverse=True)

    def restore(self, session: Session) -> int | None:
        """Bring a fresh session to the newest checkpoint that is whole; returns its epoch, or None when there is none.

        Raises
        ------
        DataError
            It was trained on other data.
        ConfigError
            openTSNE trained it and would not go on with it, or the other way round.
        """
        for path in self.all():
            try:
                return self._restore(path, session)
            except LoadError:
                continue
        return None

    def _restore(self, path: Path, session: Session) -> int:
        with reading(path):
            content = path.read_bytes()
            expect(digest(content).startswith(_NAME.fullmatch(path.name).group(2)), path, "its checksum does not match")
            state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
            about = json.loads(state["about"])
            written = {int(epoch): checksum for epoch, checksum in json.loads(state["frames"]).items()}
            frames = [(epoch, self._read_frame(epoch, written[epoch]), metrics) for epoch, metrics in about["frames"]]
            described = dict(about.get("dataset", {}))
        check_data(self.folder.parent, session, described)
        check_strategy(self.folder.parent, session, about.get("strategy"))
        session.trainer.model.load_state_dict(state["model"])
        session.trainer.optimizer.load_state_dict(state["optimizer"])
        session.trainer.epoch = about["epoch"]
        session.history = {name: [math.nan if v is None else v for v in values] for name, values in about["history"].items()}
        session.good = state["model"]
        for epoch, frame, metrics in frames:
            session.recorder.record(frame, epoch=epoch, **{name: math.nan if v is None else v for name, v in metrics.items()})
        self._written = written
        return about["epoch"]

    def _frame(self, epoch: int) -> Path:
        return self.folder / "frames" / f"epoch_{epoch:06d}.npy"

    def _read_frame(self, epoch: int, checksum: str) -> np.ndarray:
        path = self._frame(epoch)
        with reading(path):
            content = path.read_bytes()
            expect(digest(content) == checksum, path, "its checksum does not match")
            return np.load(io.BytesIO(content), allow_pickle=False)

    def close(self, *, finished: bool) -> None:
        """Let go of the folder; a finished run needs no checkpoints any more.

        Where a run has begun and nothing else says whose its files are, the lock file stays, as it does where a run is killed.
        """
        self._worker.shutdown()
        if finished:
            shutil.rmtree(self.folder, ignore_errors=True)
        run = self.folder.parent
        known = self.folder.exists() or (run / RECORD).exists()
        self._lock.release(keep=not known and (run / "config.json").exists())


def check_data(folder: Path, session: Session, about: Mapping) -> None:
    """Refuse to go on with a run on other data than it began with, which ``about`` describes."""
    if not is_described(session.dataset, about, session.config):
        raise DataError(
            f"{folder} holds a run that was trained on other contents than dataset={session.config.dataset!r} has now: "
            "put the old data back, or choose another folder"
        )


def strategy_of(session: Session) -> str:
    """What holds p in a session."""
    return type(session.trainer.strategy).__name__


def check_strategy(folder: Path, session: Session, before: str | None) -> None:
    """Refuse to go on with a run whose p was held in another way ``before``; older checkpoints do not say in which."""
    now = strategy_of(session)
    if before not in (None, now):
        remedy = "pip install 'icon_nb[tsne]' and use device='cpu', or " if before == "OpenTSNE" else ""
        raise ConfigError(f"{folder} holds a run that {before} trained and {now} would go on with: {remedy}choose another folder")


def _copied(value):
    """Nested containers with every tensor copied, so that training can go on while they are written."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value
