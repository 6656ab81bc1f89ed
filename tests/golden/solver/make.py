"""Makes the expected optimum; needs `pip install scikit-learn numpy safetensors`.

make.py                 the expected values, from inputs.safetensors
make.py EMBEDDINGS      the inputs too: cutout's 190 plain embeddings, f32, in the order of tests/data/cutout.csv
"""

import csv
import json
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file, save_file
from sklearn.linear_model import LogisticRegression

HERE = pathlib.Path(__file__).parent
#: Strength, class weights, standardisation: of each feature as it is, or as a solved head has it by default (at unit length, and
#: scaled by what the pretrained classifier says of each feature, ADR 17; where that is not known, by variances drawn together).
CASES = [
    (0.01, "balanced", "each"),
    (0.1, None, "each"),
    (1.0, "balanced", "each"),
    (0.1, "balanced", "pretrained"),
    (1.0, None, "shrunk"),
]
#: Of 1280: enough for a hard problem, few enough to keep.
FEATURES = 160


def inputs(path):
    rows = list(csv.DictReader(open(HERE / "../../data/cutout.csv")))
    labels = sorted({row["label"] for row in rows})
    features = np.fromfile(path, "<f4").reshape(len(rows), -1)[:, :: 1280 // FEATURES].astype(np.float16)
    save_file(
        {
            "features": np.ascontiguousarray(features),
            "classes": np.array([labels.index(row["label"]) for row in rows], np.uint8),
            "train": np.array([row["set"] == "train" for row in rows], np.uint8),
        },
        HERE / "inputs.safetensors",
    )


if len(sys.argv) > 1:
    inputs(sys.argv[1])
data = load_file(HERE / "inputs.safetensors")
features, classes, train = data["features"].astype(np.float64), data["classes"].astype(int), data["train"] == 1
prior = np.fromfile(HERE / "../../../crate/core/src/train/prior/mobilenet_v2.f16", "<f2").astype(np.float64)
prior = prior[:: 1280 // FEATURES]


def standardised(how):
    """What the head reads."""
    if how == "each":
        deviation = features[train].std(0)
        return (features - features[train].mean(0)) / np.where(deviation > 1e-5, deviation, 1)
    rows = features / np.linalg.norm(features, axis=1, keepdims=True)
    mean, variance = rows[train].mean(0), rows[train].var(0)
    if how == "pretrained":
        # As much as each counts in the classifier that it was pretrained with, with a variance of one on average.
        factor = prior**2
        return (rows - mean) * factor / np.sqrt((variance * factor**2).mean())
    # As if a hundred more examples had the mean variance of all features.
    count = train.sum()
    return (rows - mean) / np.sqrt((count * variance + 100 * variance.mean()) / (count + 100))


cases = []
for strength, weights, how in CASES:
    rows = standardised(how)
    model = LogisticRegression(C=strength, class_weight=weights, tol=1e-9, max_iter=10000)
    model.fit(rows[train], classes[train])
    counts = np.bincount(classes[train])
    weight = (train.sum() / (len(counts) * counts) if weights else np.ones(len(counts)))[classes[train]]
    logs = model.predict_log_proba(rows[train])[np.arange(train.sum()), classes[train]]
    objective = -(weight * logs).sum() + 0.5 / strength * (model.coef_**2).sum()
    cases.append({
        "strength": strength,
        "balanced": weights == "balanced",
        "standardised": how,
        "objective": objective / train.sum(),
        "probabilities": model.predict_proba(rows[~train]).round(7).ravel().tolist(),
    })
(HERE / "expected.json").write_text(json.dumps(cases) + "\n")
