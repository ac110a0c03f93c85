"""Checkpoints: after every epoch, beside the next, what is needed to go on to the bit-identical end; the last two are kept."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

from ...data.dataset import describe, is_described
from ...errors import ConfigError, DataError, LoadError, SaveError
from ...files import digest, read, sweep_stray, write_whole
from ...methods.config import SETTINGS, Config
from ..session import Session, state_of
from . import verify
from .store import CHECKPOINTS, LOCK, RECORD, STATES, own, pack_tensors, to_json
from .verify import expect, reading

KEPT = 2
_NAME = re.compile(r"epoch_(\d{6})-([0-9a-f]{16})\.pt")


class FolderLock:
    """One run at a time in a folder: the system locks a file there, and lets go when its process ends, however that ends."""

    def __init__(self, folder: Path):
        from filelock import FileLock, Timeout  # takes its time to load, and not every run is written

        self.path = Path(folder) / LOCK
        self._lock = FileLock(self.path, timeout=0, thread_local=False)
        if os.path.lexists(self.path) and not os.path.isfile(self.path):
            raise SaveError(f"{self.path} is no file, and cannot be locked: remove it, or choose another folder")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            self._file, self._owner = os.stat(self.path), os.getpid()
        except Timeout:
            raise SaveError(f"{folder} is being written by another run: choose another folder") from None
        except OSError as error:
            why = error.strerror or error
            raise SaveError(f"could not write {self.path}: {why}; choose another folder or free some space") from error

    @property
    def mine(self) -> bool:
        """Whether this process holds it, and not the one from which it was forked."""
        return self._lock.is_locked and self._owner == os.getpid()

    def release(self, *, keep: bool = False) -> None:
        """Let go of the folder, and remove the file unless it is to ``keep``; a forked child leaves both to its parent."""
        if not self.mine:
            return
        with suppress(OSError):  # the folder may be gone
            if not keep and os.path.samestat(self._file, os.stat(self.path)):
                self.path.unlink()  # before others can lock it
        self._lock.release()


class Checkpoints:
    """The checkpoints of one run folder, which is made where there is none, and locked against a second run while it is open."""

    def __init__(self, folder: Path):
        self.folder = Path(folder) / CHECKPOINTS
        for path in (Path(folder) / name for name in (CHECKPOINTS, f"{CHECKPOINTS}/frames", STATES, "epoch_frames")):
            own(path)
        self._worker = ThreadPoolExecutor(1)
        self._pending: Future | None = None
        self._written: dict[int, str] = {}  # epoch of every frame on the disk -> its checksum
        self._lock = FolderLock(folder)
        sweep_stray(Path(folder))

    def save(self, session: Session) -> None:
        """Write the state after this epoch; waits for the write before it, and raises the SaveError in which that ended."""
        self.wait()
        recorder, about = session.recorder, {"dataset": describe(session.dataset), "strategy": strategy_of(session)}
        about |= {"history": session.history, "frames": recorder.kept()}
        about |= {"config": session.config.to_dict(), "fork": session.fork}
        about |= {"threads": torch.get_num_threads(), "resumed": session.resumed}
        state = {"model": session.good, "optimizer": state_of(session.trainer), "about": to_json(about).decode()}
        epoch, frames = session.trainer.epoch, dict(recorder.frames())
        if session.config.save_checkpoints and epoch in frames.keys() - self._written.keys():
            name = self.folder.parent / STATES / f"epoch_{epoch:03d}"
            write_whole(name.with_suffix(".pt"), pack_tensors(session.good))
            write_whole(name.with_suffix(".optimizer.pt"), pack_tensors(state["optimizer"]))
        self._pending = self._worker.submit(self._write, epoch, state, frames)

    def _write(self, epoch: int, state: dict, frames: Mapping[int, np.ndarray]) -> None:
        for number in [number for number in frames if number not in self._written]:
            buffer = io.BytesIO()
            np.save(buffer, frames[number], allow_pickle=False)
            self._written[number] = digest(buffer.getvalue())
            write_whole(self._frame(number), buffer.getvalue())
        buffer = io.BytesIO()
        torch.save({**state, "frames": json.dumps({number: self._written[number] for number in frames})}, buffer)
        content = buffer.getvalue()
        path = self.folder / f"epoch_{epoch:06d}-{digest(content)[:16]}.pt"
        try:
            write_whole(path, content)
        except SaveError:  # a full disk, say, on which the older of two can make room
            if len(self.all()) < KEPT:
                raise
            self.all()[-1].unlink()
            write_whole(path, content)
        for path in self.all()[KEPT:]:
            path.unlink()
        for number in self._written.keys() - frames.keys():
            self._frame(number).unlink(missing_ok=True)
            del self._written[number]

    def wait(self) -> None:
        if not self._lock.mine:  # the thread that writes is not here
            raise SaveError(f"{self.folder.parent} is written by the process that this one was forked from: end it after a fork")
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.result()

    def all(self) -> list[Path]:  # the newest first
        return sorted((path for path in self.folder.glob("epoch_*.pt") if _NAME.fullmatch(path.name)), reverse=True)

    def restore(self, session: Session) -> None:
        """Bring a fresh session to the newest checkpoint that is whole, if there is one and it fits data and settings."""
        for path in self.all():
            try:
                self._restore(path, session)
            except LoadError:
                continue
            for other in {*self.all(), *(self.folder / "frames").glob("*.npy")} - {path, *map(self._frame, self._written)}:
                other.unlink()  # makes room, should the disk be full
            return

    def _restore(self, path: Path, session: Session) -> None:
        number, checksum = _NAME.fullmatch(path.name).groups()
        with reading(path):
            content = read(path)
            expect(digest(content).startswith(checksum), path, "its checksum does not match")
            state = verify.state(content, path, "model")
            about = json.loads(state["about"], parse_constant=lambda _: None)
            verify.follows(about, verify.CHECKPOINT, path)
            expect(about["history"]["epoch"] == list(range(int(number) + 1)), path, "its history is not that of its epochs")
            written = {int(epoch): checksum for epoch, checksum in json.loads(state["frames"]).items()}
            frames = [(epoch, self._read_frame(epoch, written[epoch]), metrics) for epoch, metrics in about["frames"]]
            points = np.stack([frame for _, frame, _ in frames])
            verify.arrays(points, {"epochs": np.array([epoch for epoch, _, _ in frames])}, 0, path)
            expect(points.shape[1] in session.rows and frames[-1][0] <= int(number), path, "its frames are of another run")
            settings = Config(**about["config"]) if about.get("config") else session.config
        check_data(self.folder.parent, session, about.get("dataset") or {}, about.get("strategy"))
        check_settings(self.folder.parent, session, settings, f"checkpoint {path.name}")
        with reading(path):
            session.go_on(state["model"], state["optimizer"], about["history"], frames, session.config.record_every)
        self._written = written
        session.resume(settings, about)

    def _frame(self, epoch: int) -> Path:
        return self.folder / "frames" / f"epoch_{epoch:06d}.npy"

    def _read_frame(self, epoch: int, checksum: str) -> np.ndarray:
        path = self._frame(epoch)
        with reading(path):
            content = read(path)
            expect(digest(content) == checksum, path, "its checksum does not match")
            return np.load(io.BytesIO(content), allow_pickle=False)

    def close(self, *, finished: bool) -> None:
        """Let go of the folder; a finished run needs no checkpoints any more."""
        self._worker.shutdown()
        if finished and self._lock.mine:
            shutil.rmtree(self.folder, ignore_errors=True)
        run = self.folder.parent
        known = self.folder.exists() or (run / RECORD).exists()
        self._lock.release(keep=not known and (run / "config.json").exists())  # nothing else says whose its files are


def strategy_of(session: Session) -> str:
    return type(session.trainer.strategy).__name__


def check_data(folder: Path, session: Session, about: Mapping, before: str | None = None) -> None:
    """Refuse to go on with a run on other data than ``about`` describes, or one whose p was held in another way ``before``."""
    if not is_described(session.dataset, about, session.config):
        words = f"{folder} holds a run that was trained on other contents than dataset={session.config.dataset!r} has now"
        raise DataError(f"{words}: put the old data back, or choose another folder")
    now = strategy_of(session)
    if before not in (None, now):
        remedy = "pip install 'icon_nb[tsne]' and use device='cpu', or " if before == "OpenTSNE" else ""
        raise ConfigError(f"{folder} holds a run that {before} trained and {now} would go on with: {remedy}choose another folder")


def check_settings(folder: Path, session: Session, found: Config, where: str) -> None:
    """Refuse to go on with a run of other settings; more epochs may be asked for, and another way to draw and to write it."""
    mine, other = session.config.resolve(), found.resolve()
    if mine.key() == other.replace(epochs=max(mine.epochs, other.epochs)).key():
        spread = [name for name, about in SETTINGS.items() if about.scheduled and isinstance(getattr(mine, name), str)]
        spread += ["exaggeration"] if mine.exaggeration or strategy_of(session) == "OpenTSNE" else []
        if mine.epochs > other.epochs and spread:
            told = f"{spread[0]} is spread over its {other.epochs} epochs"
            raise ConfigError(f"{folder}: {told}, and would have been another for {mine.epochs}: begin anew, or fork the run")
        return
    mine, other = mine.to_dict(), other.to_dict()
    differ = [name for name in {**mine, **other} if mine.get(name) != other.get(name) and SETTINGS[name].counts]
    raise ConfigError(f"{folder} holds a run with other settings ({', '.join(differ)}, by its {where}): choose another folder")
