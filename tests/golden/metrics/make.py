"""Makes the expected metrics; needs `pip install scikit-learn numpy`."""

import json
import pathlib

import numpy as np
from sklearn import metrics

HERE = pathlib.Path(__file__).parent
BINS = 15


def calibration(probabilities, truth):
    """Guo et al. 2017, as they wrote it: bins are open below and closed above."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    edges = np.linspace(0, 1, BINS + 1)
    bins, error = [], 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if not inside.any():
            bins.append({"count": 0, "confidence": 0.0, "accuracy": 0.0})
            continue
        bins.append({
            "count": int(inside.sum()),
            "confidence": float(confidence[inside].mean()),
            "accuracy": float(right[inside].mean()),
        })
        error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return error, bins


def case(name, labels, probabilities, truth):
    # As the library reads them: single precision.
    probabilities = probabilities.astype(np.float32).astype(np.float64)
    predicted, every = probabilities.argmax(1), np.arange(len(labels))
    per_class = metrics.precision_recall_fscore_support(truth, predicted, labels=every, zero_division=0)
    seen = np.union1d(truth, predicted)
    error, bins = calibration(probabilities, truth)
    rank = [metrics.top_k_accuracy_score(truth, probabilities, k=k, labels=every) if k < len(labels) else 1.0
            for k in range(1, min(5, len(labels)) + 1)] if len(labels) > 2 else [metrics.accuracy_score(truth, predicted), 1.0]
    return {
        "name": name,
        "labels": labels,
        "probabilities": probabilities.ravel().tolist(),
        "truth": truth.tolist(),
        "expected": {
            "count": len(truth),
            "accuracy": metrics.accuracy_score(truth, predicted),
            "balancedAccuracy": metrics.balanced_accuracy_score(truth, predicted) if set(predicted) <= set(truth)
            else float(np.mean([r for r, n in zip(per_class[1], per_class[3]) if n])),
            "macroF1": metrics.f1_score(truth, predicted, labels=seen, average="macro", zero_division=0),
            "topK": rank,
            "loss": metrics.log_loss(truth, probabilities, labels=every),
            "calibrationError": error,
            "calibration": bins,
            "labels": labels,
            "confusion": metrics.confusion_matrix(truth, predicted, labels=every).tolist(),
            "perClass": [
                {"label": label, "precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
                for label, p, r, f, n in zip(labels, *per_class)
            ],
        },
    }


def drawn(rng, count, classes, sharpness):
    scores = rng.normal(size=(count, classes)) * sharpness
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


rng = np.random.default_rng(4)
three = drawn(rng, 40, 3, 2.0)
eight = drawn(rng, 60, 8, 1.5)
cases = [
    case("two classes", ["no", "yes"], drawn(rng, 30, 2, 1.0), rng.integers(0, 2, 30)),
    case("three classes, mostly right", ["a", "b", "c"], three,
         np.where(rng.random(40) < 0.8, three.argmax(1), rng.integers(0, 3, 40))),
    case("eight classes", list("abcdefgh"), eight, rng.integers(0, 8, 60)),
    case("a class that is never true", ["a", "b", "c"], three, rng.integers(0, 2, 40)),
]
text = json.dumps(cases)
(HERE / "cases.json").write_text(text + "\n")
