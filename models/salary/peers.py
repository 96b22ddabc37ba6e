"""Peers of the salary network, fitted on the rows that it was trained on, and a guess of where a row is from."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from models.salary import data
from models.salary.network import SalaryConfig

Floats: TypeAlias = NDArray[np.float64]
Model: TypeAlias = Callable[[data.Table], Floats]
"""Low end, median and high end [N, 3] of log pay."""

LOW, HIGH = 0.1, 0.9
WORDS = [0, 1, 2]
"""The columns of ``_tree_columns`` that are numbers for words; the source, where told, is another."""
SOURCE = 7
TREES, LEARNING_RATE, LEAVES, FEWEST_IN_LEAF = 300, 0.08, 31, 40
"""The same for the three libraries."""


def fit_peers(train: data.Table, valid: data.Table, config: SalaryConfig) -> dict[str, Model]:
    """Fit every peer whose library is installed."""
    university = university_means(train, len(config.universities))
    peers = {
        "median": fit_median(train),
        "ridge": fit_ridge(train, valid, config, university),
        "boosting": fit_boosting(train, university),
        "boosting, told source": fit_boosting(train, university, told_source=True),
    }
    for library, fit in (("lightgbm", fit_lightgbm), ("xgboost", fit_xgboost)):
        if library not in missing_libraries():
            peers[library] = fit(train, university)
    return peers


def missing_libraries() -> list[str]:
    """Return which of the libraries are not installed that only the comparison needs."""
    return [library for library in ("lightgbm", "xgboost") if find_spec(library) is None]


def fit_median(train: data.Table) -> Model:
    """Return one number for everybody."""
    quantiles = np.quantile(train.log_pay.numpy(), [LOW, 0.5, HIGH])
    return lambda table: np.tile(quantiles, (len(table), 1))


def fit_ridge(train: data.Table, valid: data.Table, config: SalaryConfig, university: Floats) -> Model:
    """Fit ridge on one-hot words, squares and flags; its interval is that of its residuals on the valid split."""
    ridge = Ridge(alpha=3.0).fit(_linear_columns(train, config, university), train.log_pay.numpy())
    residuals = valid.log_pay.numpy() - ridge.predict(_linear_columns(valid, config, university))
    offsets = np.quantile(residuals, [LOW, HIGH])

    def answer(table: data.Table) -> Floats:
        middle = ridge.predict(_linear_columns(table, config, university))
        return np.stack([middle + offsets[0], middle, middle + offsets[1]], axis=1)

    return answer


def fit_boosting(train: data.Table, university: Floats, told_source: bool = False) -> Model:
    """Fit HistGradientBoosting of scikit-learn: absolute error for the median, quantile losses for the ends."""

    def columns(table: data.Table) -> Floats:
        return _tree_columns(table, university, told_source)

    categories = WORDS + ([SOURCE] if told_source else [])
    x, y = columns(train), train.log_pay.numpy()
    usual = {
        "max_iter": TREES,
        "learning_rate": LEARNING_RATE,
        "max_leaf_nodes": LEAVES,
        "min_samples_leaf": FEWEST_IN_LEAF,
    }
    models = [
        HistGradientBoostingRegressor(
            **usual, **loss, categorical_features=categories, early_stopping=False, random_state=0
        ).fit(x, y)
        for loss in (
            {"loss": "quantile", "quantile": LOW},
            {"loss": "absolute_error"},
            {"loss": "quantile", "quantile": HIGH},
        )
    ]
    return lambda table: np.stack([model.predict(columns(table)) for model in models], axis=1)


def fit_lightgbm(train: data.Table, university: Floats) -> Model:
    """Fit LightGBM: absolute error for the median, quantile losses for the ends."""
    regressor: Any = importlib.import_module("lightgbm").LGBMRegressor
    x, y = _tree_columns(train, university, told_source=False), train.log_pay.numpy()
    usual = {
        "n_estimators": TREES,
        "learning_rate": LEARNING_RATE,
        "num_leaves": LEAVES,
        "min_child_samples": FEWEST_IN_LEAF,
        "n_jobs": 1,
        "random_state": 0,
        "verbose": -1,
    }
    losses = (
        {"objective": "quantile", "alpha": LOW},
        {"objective": "l1"},
        {"objective": "quantile", "alpha": HIGH},
    )
    boosters = [regressor(**usual, **loss).fit(x, y, categorical_feature=WORDS).booster_ for loss in losses]

    def answer(table: data.Table) -> Floats:
        columns = _tree_columns(table, university, told_source=False)
        return np.stack([booster.predict(columns) for booster in boosters], axis=1)

    return answer


def fit_xgboost(train: data.Table, university: Floats) -> Model:
    """Fit XGBoost: quantile losses for the median and for the ends."""
    xgboost: Any = importlib.import_module("xgboost")
    kinds = ["c" if column in WORDS else "q" for column in range(SOURCE)]

    def columns(table: data.Table, **truth: Floats) -> Any:
        x = _tree_columns(table, university, told_source=False)
        return xgboost.DMatrix(x, feature_types=kinds, enable_categorical=True, nthread=1, **truth)

    settings = {
        "objective": "reg:quantileerror",
        "quantile_alpha": np.array([LOW, 0.5, HIGH]),
        "eta": LEARNING_RATE,
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_depth": 0,
        "max_leaves": LEAVES,
        "min_child_weight": FEWEST_IN_LEAF,
        "nthread": 1,
        "seed": 0,
    }
    booster = xgboost.train(settings, columns(train, label=train.log_pay.double().numpy()), TREES)

    def answer(table: data.Table) -> Floats:
        ends: Floats = booster.predict(columns(table)).astype(np.float64)  # [N, 3]
        return ends

    return answer


def fit_source_guess(train: data.Table) -> Callable[[data.Table], Floats]:
    """Fit how likely each source is [N, sources] by the seven inputs and by which of them are blank."""

    def columns(table: data.Table) -> Floats:
        known = torch.ones(int(table.inputs.university.max()) + 1).double().numpy()
        return _tree_columns(table, known, told_source=False)  # of the university: that it is known

    classifier = HistGradientBoostingClassifier(
        max_iter=80,
        learning_rate=0.06,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=100,
        l2_regularization=5.0,
        categorical_features=WORDS,
        early_stopping=False,
        random_state=0,
    ).fit(columns(train), train.source.numpy())
    present = classifier.classes_.astype(int)

    def answer(table: data.Table) -> Floats:
        likely = np.zeros((len(table), int(present.max()) + 1))
        likely[:, present] = classifier.predict_proba(columns(table))
        return likely

    return answer


def university_means(train: data.Table, count: int, shrinkage: float = 5.0) -> Floats:
    """Return each university's mean of log pay less its degree, field and experience, shrunken, for the peers."""
    rows = train[train.inputs.university > 0]
    if not len(rows):
        return np.zeros(count + 1)
    groups: dict[tuple[int, ...], list[int]] = {}
    keys = zip(
        rows.source.tolist(),
        rows.inputs.degree.tolist(),
        rows.inputs.field.tolist(),
        rows.inputs.experience.int().tolist(),
        strict=True,
    )
    for place, key in enumerate(keys):
        groups.setdefault(key, []).append(place)
    pay = rows.log_pay.double().numpy()
    residual = np.zeros_like(pay)
    for places in groups.values():
        residual[places] = pay[places] - pay[places].mean()
    index = rows.inputs.university.numpy()
    totals = np.bincount(index, residual, minlength=count + 1)
    means: Floats = totals / (np.bincount(index, minlength=count + 1) + shrinkage)
    return means


def _tree_columns(table: data.Table, university: Floats, told_source: bool) -> Floats:
    """Return words as numbers, numbers and the mean of the university, NaN where not known."""
    inputs = table.inputs
    means = university[inputs.university.numpy()]
    columns = [
        *(_blank_as_nan(index) for index in (inputs.degree, inputs.field, inputs.gender)),
        *(number.double().numpy() for number in (inputs.age, inputs.experience, inputs.promotions)),
        np.where(inputs.university.numpy() > 0, means, math.nan),
    ]
    if told_source:
        columns.append(table.source.double().numpy())
    return np.stack(columns, axis=1)


def _linear_columns(table: data.Table, config: SalaryConfig, university: Floats) -> Floats:
    inputs = table.inputs
    parts = [
        np.eye(len(words) + 1)[index.numpy()]
        for index, words in (
            (inputs.degree, config.degrees),
            (inputs.field, config.fields),
            (inputs.gender, config.genders),
        )
    ]
    parts.append(parts[0][:, :, None].repeat(len(config.fields) + 1, 2).reshape(len(table), -1))
    fields = np.tile(parts[1], len(config.degrees) + 1)
    parts[-1] = parts[-1] * fields  # degree by field
    for number, scale in ((inputs.age, 40.0), (inputs.experience, 15.0), (inputs.promotions, 1.0)):
        known = ~number.isnan().numpy()
        value = np.where(known, number.double().numpy() / scale, 0.0)
        parts.append(np.stack([known, value, value**2], axis=1))
    parts.append(np.stack([inputs.university.numpy() > 0, university[inputs.university.numpy()]], axis=1))
    return np.concatenate(parts, axis=1)


def _blank_as_nan(index: torch.Tensor) -> Floats:
    return np.where(index.numpy() > 0, index.numpy(), math.nan)
