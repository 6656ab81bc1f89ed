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
#: Strength, class weights.
CASES = [(0.01, "balanced"), (0.1, None), (1.0, "balanced")]
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
mean, deviation = features[train].mean(0), features[train].std(0)
features = (features - mean) / np.where(deviation > 1e-5, deviation, 1)

cases = []
for strength, weights in CASES:
    model = LogisticRegression(C=strength, class_weight=weights, tol=1e-9, max_iter=10000)
    model.fit(features[train], classes[train])
    counts = np.bincount(classes[train])
    weight = (train.sum() / (len(counts) * counts) if weights else np.ones(len(counts)))[classes[train]]
    logs = model.predict_log_proba(features[train])[np.arange(train.sum()), classes[train]]
    objective = -(weight * logs).sum() + 0.5 / strength * (model.coef_**2).sum()
    cases.append({
        "strength": strength,
        "balanced": weights == "balanced",
        "objective": objective / train.sum(),
        "probabilities": model.predict_proba(features[~train]).round(7).ravel().tolist(),
    })
(HERE / "expected.json").write_text(json.dumps(cases) + "\n")
