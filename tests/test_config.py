"""Config: types, ranges, precedence, effect, round trips."""

import json
import subprocess
import sys
import warnings

import pytest

import icon_nb as icon
from icon_nb import methods
from icon_nb.errors import ConfigError
from icon_nb.interfaces.cli import configs_from
from icon_nb.interfaces.flags import build_parser, parse
from icon_nb.methods.config import DEFAULTS, SETTINGS, Config
from icon_nb.methods.settings import GROUPS, read_json


def test_importing_the_package_and_config_loads_neither_torch_nor_matplotlib():
    code = "import sys, icon_nb, icon_nb.interfaces.flags, icon_nb.interfaces.cli; icon_nb.Config(method='sne').resolve();"
    code += "icon_nb.recipe('simclr_vs_sne');"
    code += "print([m for m in ('torch', 'matplotlib', 'numpy', 'sklearn', 'ipywidgets') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize("method", methods.METHODS)
def test_a_config_survives_repr_and_json(method):
    for config in (Config(method=method, seed=3), Config(method=method).resolve()):
        assert eval(repr(config)) == config
        assert Config.from_json(config.to_json()) == config
        assert hash(Config.from_json(config.to_json())) == hash(config)


@pytest.mark.parametrize("method", methods.METHODS)
def test_resolving_twice_changes_nothing_and_json_is_flat(method):
    resolved = Config(method=method).resolve()
    assert resolved.resolve() == resolved
    flat = json.loads(resolved.to_json())
    assert flat["method"] == method
    assert flat["embedding_dim"] == resolved.embedding_dim
    assert not any(isinstance(value, (dict, list)) for value in flat.values())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"method": "simclir"}, ["method='simclir'", "did you mean 'simclr'?"]),
        ({"dataset": "mnits"}, ["dataset", "mnist"]),
        ({"backbone": "resnet17"}, ["backbone", "resnet18"]),
        ({"temperature": 0}, ["temperature", "greater than 0"]),
        ({"temperature": -1.0}, ["temperature", "greater than 0"]),
        ({"temperature": float("inf")}, ["temperature"]),
        ({"temperature": "hot"}, ["temperature", "a number"]),
        ({"epochs": 2.5}, ["epochs", "whole number"]),
        ({"epochs": -1}, ["epochs", "at least 0"]),
        ({"seed": True}, ["seed", "whole number"]),
        ({"batch_size": 1}, ["batch_size", "at least 2"]),
        ({"alpha": 1.0}, ["alpha", "less than 1"]),
        ({"momentum": 0.5}, ["momentum has no effect", "optimizer='adam'"]),
        ({"perplexity": 5.0}, ["perplexity has no effect", "method='simclr'"]),
        ({"method": "sne", "batch_size": 64}, ["batch_size has no effect", "backbone='table'"]),
        ({"method": "simclr", "backbone": "table"}, ["table", "needs views"]),
        ({"method": "simclr", "learned": "student_t"}, ["learned='student_t'", "leave method out"]),
        ({"supervisory": "gaussian"}, ["needs learned too"]),
        ({"supervisory": "gaussian", "learned": "student_t_joint"}, ["makes no sense", "pairs"]),
        ({"supervisory": "gausian", "learned": "gaussian"}, ["did you mean 'gaussian'?"]),
        ({"divergence": "rkl", "alpha": 0.0}, ["rkl", "alpha > 0"]),
        ({"n_views": 1}, ["n_views=1", "positive pairs"]),
        ({"augment": "flop"}, ["'flop'", "flip"]),
        ({"augment": "none+crop"}, ["augment"]),
        ({"alpha_on": "q"}, ["alpha_on has no effect", "alpha=0"]),
    ],
)
def test_a_bad_setting_is_refused_by_name_with_the_remedy(settings, words):
    with pytest.raises(ConfigError) as caught:
        Config(**settings)
    for word in words:
        assert word in str(caught.value)


def test_an_unknown_setting_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'temperature'"):
        Config().replace(temprature=1.0)


def test_a_later_layer_wins_even_with_a_default_value_and_its_source_is_kept():
    layers = ("recipe", {"dataset": "digits", "temperature": 0.3, "seed": 4}), ("flag", {"temperature": 0.5, "seed": 0})
    config = Config.from_layers(*layers).resolve()
    assert (config.temperature, config.seed) == (0.5, 0)
    assert config.sources["temperature"] == config.sources["seed"] == "flag"
    assert config.sources["distance"] == "method simclr"
    assert config.sources["epochs"] == "default"


def test_none_means_the_methods_default():
    assert Config(temperature=None).resolve() == Config().resolve()


def test_rkl_writes_its_smoothing_into_the_config():
    assert Config(divergence="rkl").resolve().alpha == 0.01


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", ["not JSON"]),
        ('{"seed": 1, "epochs": 2, "seed": 3}', ["'seed' stands there twice"]),
        ("[1]", ["holds a list"]),
        ('{"schema": 99}', ["schema 99", "upgrade"]),
        ('{"tempreature": 1}', ["temperature"]),
        ('{"temperature": "x"}', ["config.json", "temperature"]),
        ('{"dataset": "moving_digkts"}', ["config.json", "moving_digits"]),
    ],
)
def test_foreign_json_is_refused(text, words):
    with pytest.raises(ConfigError) as caught:
        Config.from_json(text)
    assert all(word in str(caught.value) for word in words)


def test_json_null_means_not_given():
    assert read_json('{"temperature": null}', "config.json", SETTINGS) == {}


def test_every_setting_has_a_group_and_a_help_text():
    for name, setting in SETTINGS.items():
        assert setting.group in GROUPS, name
        assert setting.help, name
    assert set(DEFAULTS) == set(SETTINGS)


def test_older_method_names_map_to_honest_ones_and_say_so_once(monkeypatch):
    monkeypatch.setattr("icon_nb.methods.components._SAID", set())
    for old, new in methods.ALIASES.items():
        with pytest.warns(UserWarning, match=f"method='{old}' is an older name of '{new}'"):
            assert Config(method=old).method == new
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            Config(method=old)


@pytest.mark.parametrize("method", methods.METHODS.values(), ids=lambda m: m.name)
def test_a_component_takes_exactly_the_settings_its_axis_declares(method):
    from icon_nb.methods import axes
    from icon_nb.objective import build_objective

    assert method.supervisory in axes.SUPERVISORY
    assert method.learned in axes.LEARNED
    assert build_objective(icon.Config(method=method.name).resolve())


def test_a_resolved_config_takes_another_method_and_keeps_what_was_given():
    resolved = Config(method="simclr", temperature=0.3, seed=4).resolve()
    other = resolved.replace(method="supcon")
    assert other == Config(method="supcon", temperature=0.3, seed=4)
    assert resolved.replace(backbone="simplecnn").resolve().hidden_dim == 32
    assert resolved.replace(epochs=3).supervisory == "positive_pairs"
    with pytest.raises(ConfigError, match="batch_size has no effect with backbone='table'"):
        resolved.replace(batch_size=32).replace(method="tsne")


def test_the_width_of_a_small_convolutional_network_is_a_setting():
    assert Config(backbone="simplecnn").resolve().hidden_dim == 32
    assert Config(backbone="simplecnn", hidden_dim=8).resolve().hidden_dim == 8


def test_a_misspelt_setting_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match="'temprature' is not a setting; did you mean 'temperature'"):
        Config(temprature=0.1)


@pytest.mark.parametrize("given", ["simclr", {"method": "simclr"}, 3])
def test_what_is_not_a_config_is_refused_by_run(given):
    with pytest.raises(ConfigError, match=r"give icon_nb.Config\(method='simclr'\)"):
        icon.run(given)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])  # the last two are what Windows writes
def test_a_file_of_settings_may_have_any_encoding_of_json(encoding, tmp_path):
    (tmp_path / "c.json").write_text('{"run_name": "é", "epochs": 0}', encoding=encoding)
    (config,), _ = configs_from(parse(build_parser(), ["--config", str(tmp_path / "c.json")]))[:2]
    assert (config.run_name, config.epochs) == ("é", 0)
