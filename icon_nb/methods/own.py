"""Parts of your own in a Config: a network or a function is held in this process, and a text stands for it."""

from __future__ import annotations

import copy
import hashlib
import re
from weakref import WeakValueDictionary

from ..errors import ConfigError

PREFIX = "own:"
OWN = {
    "backbone": "an nn.Module",
    "augment": "a function of a sample",
    "optimizer": "a function that makes a torch optimizer of the parameters",
    "scheduler": "a function that makes a torch scheduler of the optimizer",
}
"""The settings that take an object, and what it must be."""

KNOWN: WeakValueDictionary[str, object] = WeakValueDictionary()
"""What is held, by its text and by the beginning of that, as long as a Config or anything else has a use for it."""


class Own(str):
    """The text that stands for an object in a Config, for instance ``own:timm.ResNet-1f0a-77c2``; it keeps the object.

    It is the name of the class or function, a digest of its ``repr``, and one of its weights or of its code.
    """

    thing: object

    def __reduce__(self):
        return keep, (str(self), self.thing)


def keep(text: str, thing: object) -> Own:
    """The text, holding an object."""
    held = Own(text)
    held.thing = KNOWN[text] = KNOWN[_kind(text)] = thing
    return held


def hold(thing: object) -> Own:
    """Hold an object of the user's. Of a network a copy is held: what becomes of the user's does not matter."""
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    form, weights = _digest(repr(thing)), hashlib.sha256()
    if hasattr(thing, "__code__"):  # two lambdas have one name
        weights = _digest(repr((thing.__code__.co_code, thing.__code__.co_consts, thing.__code__.co_names, thing.__defaults__)))
        weights.update(repr([cell.cell_contents for cell in thing.__closure__ or ()]).encode())
    if hasattr(thing, "state_dict") and not isinstance(thing, type):
        thing = copy.deepcopy(thing)
        for name, part in thing.state_dict().items():
            weights.update(name.encode() + part.detach().cpu().double().numpy().tobytes())
    name = f"{named.__module__}.{named.__qualname__}".replace("<", "").replace(">", "")
    return keep(f"{PREFIX}{name}-{form.hexdigest()[:8]}-{weights.hexdigest()[:8]}", thing)


def _digest(text: str):
    return hashlib.sha256(re.sub(r" at 0x[0-9a-f]+", "", text).encode())


def is_own(text: object) -> bool:
    """Whether a text stands for an object of the user's.

    >>> is_own("own:mine.Net-1f0a-77c2"), is_own("mlp")
    (True, False)
    """
    return isinstance(text, str) and text.startswith(PREFIX)


def thing_of(setting: str, text: str) -> object:
    """The object that a text stands for, or one of the same kind with other weights.

    Raises
    ------
    ConfigError
        Nothing like it is held in this process.
    """
    found = KNOWN.get(text, KNOWN.get(_kind(text)))
    if found is None:
        name = text.removeprefix(PREFIX).rsplit("-", 2)[0]
        raise ConfigError(f"{setting} was {name}, an object of yours: give it again, as {setting}=")
    return found


def _kind(text: str) -> str:
    return text.rsplit("-", 1)[0]
