"""Adapters of a few lines that let a :class:`icon_nb.Recorder` watch the training of other packages: ``icon.recorders``.

Each takes the recorder first; ``every`` is the number of steps between two frames. None of the packages is a dependency.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import DataError
from .recorder import Recorder


def module(recorder: Recorder, model, x, embed: Callable | str | None = None, epoch: int | None = None, **metrics: float) -> None:
    """Record how a torch module embeds x, in evaluation mode and without gradient; the module goes on as it was.

    Parameters
    ----------
    model : nn.Module
    x : tensor (n, ...)
    embed : callable (model, x) -> (n, ...), or str, optional
        What makes the embedding: the name of a part, for instance ``"backbone"``, or a function; the whole module when not given.

    Examples
    --------
    >>> import torch
    >>> recorder = Recorder()
    >>> module(recorder, torch.nn.Linear(4, 2), torch.eye(4), loss=0.5)
    >>> recorder.trajectory
    Trajectory(1 frames, epochs 0..0, 4 points, 2-d)
    """
    import torch

    if isinstance(embed, str):
        part = model.get_submodule(embed)
        embed = lambda model, x: part(x)  # noqa: E731
    training, parameter = model.training, next(model.parameters(), None)
    model.eval()
    try:
        with torch.no_grad():
            z = (embed or type(model).__call__)(model, x if parameter is None else x.to(parameter.device))
    finally:
        model.train(training)
    recorder.record(z.flatten(1), epoch=epoch, **metrics)


def lightning(recorder: Recorder, x, embed: Callable | str | None = None, every: int = 1, metrics: Sequence[str] = ("loss",)):
    """A callback for a Lightning ``Trainer`` that records the untrained module and then every epoch; for lightly's modules, too.

    ``x`` and ``embed`` are those of :func:`module`, for a module of lightly ``embed="backbone"``; ``metrics`` names logged values
    that are recorded with a frame. Pass it on as ``Trainer(callbacks=[lightning(recorder, x)])``.
    """
    try:
        from lightning.pytorch import Callback
    except ImportError:
        from pytorch_lightning import Callback

    class Watch(Callback):
        def on_train_start(self, trainer, model):
            if trainer.current_epoch == 0:
                module(recorder, model, x, embed, epoch=0)

        def on_train_epoch_end(self, trainer, model):
            epoch, logged = trainer.current_epoch + 1, trainer.callback_metrics
            if epoch % every == 0:
                shown = {name: float(logged[name]) for name in metrics if name in logged}
                module(recorder, model, x, embed, epoch=epoch, **shown)

    return Watch()


def opentsne(recorder: Recorder, every: int = 10) -> dict[str, object]:
    """The arguments that let openTSNE call a recorder: ``TSNE(**recorders.opentsne(recorder))``; the loss is its KL.

    openTSNE counts anew after the early exaggeration; the epochs of the recorder go on.

    Examples
    --------
    >>> sorted(opentsne(Recorder()))
    ['callbacks', 'callbacks_every_iters']
    """
    calls = iter(range(every, 10**9, every))

    def record(iteration: int, error: float, embedding) -> None:
        recorder.record(embedding, epoch=next(calls), loss=error)

    return {"callbacks": record, "callbacks_every_iters": every}


def torchdr(recorder: Recorder, estimator, every: int = 10):
    """Let an iterative estimator of TorchDR record its map while it is fitted; returns the estimator.

    Samples that occur twice stay two points (``process_duplicates=False``), so that every frame has one for each label. Fit it as
    ``torchdr(recorder, TSNE(max_iter=200)).fit_transform(x)``.
    """
    before, after = estimator.on_training_step_start, estimator.on_training_step_end

    def start() -> None:
        if int(estimator.n_iter_) == 0:
            recorder.record(estimator.embedding_, epoch=0)
        before()

    def end() -> None:
        after()
        if (int(estimator.n_iter_) + 1) % every == 0:
            recorder.record(estimator.embedding_, epoch=int(estimator.n_iter_) + 1)

    estimator.on_training_step_start, estimator.on_training_step_end = start, end
    estimator.process_duplicates = False
    return estimator


def umap(recorder: Recorder, estimator, x, every: int = 10, y=None):
    """Fit a ``UMAP`` of umap-learn on x (n, features) and record its map on the way; returns the fitted estimator.

    A DataError where the estimator leaves its number of epochs to the data, so that nobody knows which to record.
    """
    last = estimator.n_epochs
    if not isinstance(last, int):
        raise DataError(f"UMAP(n_epochs={last!r}): say how many epochs there are, for instance UMAP(n_epochs=200)")
    epochs = sorted({*range(0, last, every), last})
    estimator.n_epochs = epochs
    try:
        estimator.fit(x, y)
    finally:
        estimator.n_epochs = last
    for epoch, z in zip(epochs, estimator.embedding_list_):
        recorder.record(z, epoch=epoch)
    return estimator
