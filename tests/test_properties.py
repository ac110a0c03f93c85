"""Properties over settings and data that nobody thought of. ``ICON_NB_EXAMPLES=50`` tries fifty times as many."""
# ruff: noqa: PT017 - what an error says is checked where it is one of two right answers

import json
import re
import warnings
from pkgutil import resolve_name

import numpy as np
import pytest
import torch
from hypothesis import event, example, given
from hypothesis import strategies as st
from torture.generate import brought_data, everything, examples, invalid_setting, text, valid_settings

import icon_nb as icon
from icon_nb.errors import ConfigError, DataError, IconError, TrainingError, shown
from icon_nb.interfaces.cli import configs_from
from icon_nb.interfaces.flags import build_parser, parse
from icon_nb.methods import axes
from icon_nb.methods.catalogue import OVERLAYS, PROJECTIONS
from icon_nb.methods.config import DEFAULTS, SETTINGS, Config
from icon_nb.methods.methods import METHODS
from icon_nb.methods.resolve import method_of
from icon_nb.study.run import start

EVERYTHING, TEXT, PARSER = everything(), text(), build_parser()
REMEDY = re.compile(r"[:;,] \S.{5,}|did you mean|use |choose |leave ", re.S)


def config_or_refusal(settings):
    """The Config of these settings; None where it is refused, which must name one of them and say what to do."""
    try:
        return Config(**settings)
    except ConfigError as error:
        assert any(name in str(error) for name in settings), (settings, str(error))
        assert REMEDY.search(str(error)), str(error)
        return None


@examples(40)
@given(valid_settings())
@example({"method": "nerv", "perplexity": 1.0})  # all of p on one neighbour
def test_a_valid_config_trains_a_step_or_is_refused_by_name(settings):
    config = config_or_refusal(settings)
    if config is None:
        event("the settings are refused")
        return
    tokens = "tokens" in axes.SUPERVISORY[method_of(config).supervisory].needs
    try:
        session = start(config.replace(quiet=True, device="cpu"), TEXT if tokens else EVERYTHING)
        index = next(session.trainer.reader.order(epoch=0))
        session.trainer.epoch = 1
        loss = session.trainer.loss(index, 0)
        loss.backward()
        session.trainer.optimizer.step()
        session.trainer.model.after_step()
        z = session.trainer.embed(session._x)
    except (ConfigError, DataError, TrainingError) as error:
        named = [name for name in (*SETTINGS, *axes.NEEDS, "method", "dataset") if name in str(error)]
        assert named, (settings, str(error))
        event("the data or the step are refused")
        return
    event("trained")
    assert z.shape == (len(session._x), z.shape[1])
    extreme = any(isinstance(v, float) and not 1e-3 <= abs(v) <= 1e3 for v in settings.values() if v)
    assert torch.isfinite(loss) or extreme, settings


@examples(60)
@given(invalid_setting())
def test_an_invalid_value_is_refused_with_the_field_the_value_and_the_remedy(pair):
    name, value = pair
    if value is None and DEFAULTS[name] is None:
        return
    try:
        config = Config(**{name: value})
    except ConfigError as error:
        assert name in str(error)
        assert shown(value) in str(error) or "has no effect" in str(error), error
        assert REMEDY.search(str(error)), str(error)
    else:  # the value is one that the setting takes
        kept = getattr(config, name)
        assert isinstance(kept, SETTINGS[name].kind)
        json.dumps(kept, ensure_ascii=False).encode()


@examples(60)
@given(valid_settings())
def test_settings_survive_json_repr_and_the_command_line(settings):
    config = config_or_refusal(settings)
    if config is None:
        return
    assert Config.from_json(config.to_json()) == config
    assert eval(repr(config), {"Config": Config}) == config
    assert Config.from_json(config.resolve().to_json()) == config.resolve()
    flags = [f"--{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in config.to_dict().items()]
    assert configs_from(parse(PARSER, flags))[0] == (config.resolve(),)


@examples(25)
@given(valid_settings())
def test_spelling_out_any_default_changes_nothing(settings):
    config = config_or_refusal(settings)
    if config is None:
        return
    resolved, given = config.resolve(), config.explicit()
    assert Config(**resolved.to_dict()).resolve() == resolved
    for name, value in resolved.to_dict().items():
        assert Config(**{**given, name: value}).resolve() == resolved, name


@pytest.mark.parametrize("settings", [{}, {"method": "supcon"}, {"method": "sne"}, {"supervisory": "knn", "learned": "gaussian"}])
def test_a_run_whose_defaults_are_spelt_out_ends_with_the_same_bytes(settings):
    fast = {"epochs": 2, "record_every": 1, "quiet": True, "probe": False, "n_samples": 60, "device": "cpu"}
    first = icon.run(Config(**settings, **fast), progress=False)
    spelt = {name: value for name, value in first.config.to_dict().items() if value is not None}
    assert len(spelt) > len(settings) + len(fast) + 10
    again = icon.run(Config(**spelt), progress=False)
    assert first.trajectory.embeddings.tobytes() == again.trajectory.embeddings.tobytes()
    assert first.history["loss"] == again.history["loss"]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_ends_with_the_same_bytes_when_its_defaults_are_spelt_out(name):
    config = Config(method=name, epochs=1, quiet=True, max_points=12, device="cpu")
    needs = axes.SUPERVISORY[METHODS[name].supervisory].needs
    data = TEXT if "tokens" in needs else icon.data.load("taught_digits", n_samples=40) if "logits" in needs else EVERYTHING
    first = icon.run(config, data=data, progress=False)
    spelt = icon.run(Config(**first.config.to_dict()), progress=False)
    assert first.trajectory.embeddings.tobytes() == spelt.trajectory.embeddings.tobytes()
    assert first.history["loss"] == spelt.history["loss"]


@examples(20)
@given(brought_data(), st.sampled_from(["cross_entropy", "simclr", "sne", "tsne", "pca"]))
def test_data_are_trained_on_or_refused_with_a_reason(data, method):
    x, y = data
    original = np.array(x, copy=True) if isinstance(x, np.ndarray) else None
    settings = {"epochs": 1, "record_every": 1, "quiet": True, "device": "cpu", "max_points": 8}
    settings |= {} if method in ("tsne", "sne", "pca") else {"hidden_dim": 8, "embedding_dim": 4}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            results = icon.run(Config(method=method, **settings), data=x if y is None else (x, y), progress=False)
    except IconError as error:
        assert isinstance(error, (ConfigError, DataError, TrainingError)), type(error)
        assert REMEDY.search(str(error)), str(error)
        event("refused")
        return
    finally:
        if original is not None and original.dtype != object:
            np.testing.assert_array_equal(original, x)
    event("trained")
    assert np.isfinite(results.embeddings).all()
    assert results.trajectory.n_frames == 2


@pytest.mark.parametrize("name", ["config", "x"])
def test_the_machine_can_find_a_fault(name):
    """The generators reach what they are for: some of what they make is accepted, some is not."""
    strategy = {"config": valid_settings(), "x": brought_data()}[name]
    seen = set()

    @examples(40)
    @given(strategy)
    def look(value):
        try:
            Config(**value) if name == "config" else icon.data.load(value[0] if value[1] is None else value)
            seen.add("accepted")
        except IconError:
            seen.add("refused")

    look()
    assert seen == {"accepted", "refused"}


def test_the_names_of_drawings_are_those_that_can_be_drawn():
    assert all(callable(resolve_name(row.make)) for row in (*PROJECTIONS.values(), *OVERLAYS.values()) if row.make)


def test_methods_over_dimensions_do_not_mind_the_size_of_the_batch():
    run = icon.run(method="dimension_contrastive", batch_size=24, embedding_dim=10, epochs=3, quiet=True, data=EVERYTHING)
    assert run.history["loss"][-1] < run.history["loss"][0]
