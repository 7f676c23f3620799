"""Recomputes a packet's figures from its exported CSV with tools that are not ours. Prints one JSON object.

usage: oracles.py PAIRS.csv   (statsmodels, scipy, paired-eval and evaltrust installed)
"""
import csv, json, math, subprocess, sys, tempfile

import numpy as np
import paired_eval
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

rows = list(csv.DictReader(open(sys.argv[1], newline="")))
old = np.array([int(row["incumbent_ok"]) for row in rows])
new = np.array([int(row["candidate_ok"]) for row in rows])
d, n = new - old, len(rows)
a, b, c = int(((old == 1) & (new == 1)).sum()), int((d == -1).sum()), int((d == 1).sum())


def tango(alpha=0.05):
    """Score interval of a paired difference, by scipy's root finder and a profile likelihood of its own."""
    z = stats.norm.isf(alpha / 2)

    def statistic(delta):
        # Maximum-likelihood share of "only the incumbent" under difference delta, found numerically.
        low, high = max(0.0, -delta), (1 - abs(delta)) / 2 + max(0.0, -delta)
        logs = lambda q: -(b * math.log(max(q, 1e-300)) + c * math.log(max(q + delta, 1e-300)) + (n - b - c) * math.log(max(1 - 2 * q - delta, 1e-300)))
        q = optimize.minimize_scalar(logs, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
        return (c - b - n * delta) / math.sqrt(n * (2 * q + delta * (1 - delta)))

    estimate = (c - b) / n
    lower = optimize.brentq(lambda x: statistic(x) - z, -0.999, estimate - 1e-9)
    upper = optimize.brentq(lambda x: statistic(x) + z, estimate + 1e-9, 0.999)
    return [lower, upper]


def figures(name):
    both = [(float(row["incumbent_" + name]), float(row["candidate_" + name])) for row in rows if row["incumbent_" + name] and row["candidate_" + name]]
    return np.array([x for x, _ in both]), np.array([y for _, y in both])


def evaltrust():
    with tempfile.NamedTemporaryFile("w", suffix=".csv", delete=False, newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "model", "score", "group"])
        for row in rows:
            for arm in ("incumbent", "candidate"):
                out.writerow([row["trace_id"], arm, row[arm + "_ok"], row["stratum"]])
    command = [sys.executable, "-m", "evaltrust.cli", "audit", file.name, "--model-a", "incumbent", "--model-b", "candidate", "--json"]
    said = subprocess.run(command, capture_output=True, text=True)
    return json.loads(said.stdout)


cost_old, cost_new = figures("cost_usd")
latency_old, latency_new = figures("latency_ms")
ratio = cost_new.sum() / cost_old.sum() if len(cost_old) else None
error = np.std(cost_new - ratio * cost_old, ddof=1) / math.sqrt(len(cost_old)) / cost_old.mean() if ratio else None
answer = {
    "n": n,
    "statsmodels": {
        "mcnemar_exact": float(mcnemar([[a, b], [c, n - a - b - c]], exact=True).pvalue),
        "wilson_candidate": list(proportion_confint(int(new.sum()), n, 0.05, "wilson")),
    },
    "scipy": {
        "estimate": float(d.mean()),
        "sign_test": float(stats.binomtest(min(b, c), b + c, 0.5).pvalue) if b + c else 1.0,
        "tango": tango(),
        "cost_ratio": ratio,
        "cost_interval": [ratio + side * stats.t.ppf(0.975, len(cost_old) - 1) * error for side in (-1, 1)] if ratio else None,
        "p95": [float(np.quantile(latency_old, 0.95)), float(np.quantile(latency_new, 0.95))] if len(latency_old) else None,
    },
    "paired_eval": {**paired_eval.paired_compare([int(x) for x in new], [int(x) for x in old], n_resamples=2000), "mcnemar": paired_eval.mcnemar_exact(b, c)},
    "evaltrust": evaltrust(),
}
json.dump(answer, sys.stdout, default=str)
