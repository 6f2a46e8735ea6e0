#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What scikit-learn 1.9 and SciPy 1.17 compute of the sets in reference.hpp, which this program writes anew:
python3 tests/metric/reference.py > tests/metric/reference.hpp && tools/lint --fix"""

import numpy as np
from scipy.linalg import sqrtm
from sklearn.metrics import (accuracy_score, average_precision_score, brier_score_loss, log_loss, pairwise_distances,
                             roc_curve)
from sklearn.metrics.pairwise import rbf_kernel

HEAD = """// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_METRIC_REFERENCE_HPP
#define BASIN_TESTS_METRIC_REFERENCE_HPP

// Written by reference.py: what scikit-learn and SciPy compute of these sets.
namespace basin::test::reference {

/// Element (n, d) of set s; integers, so that every language has the same.
inline double element(int s, int n, int d) {
  return ((n * 37 + d * 101 + n * d * 13 + s * (n * n + 29 * d)) % 97) / 8.0 - 6 + s * 0.5 * d;
}
inline int label(int n) { return n * n % 7 % 3; }
"""


def element(s, n, d):
    return ((n * 37 + d * 101 + n * d * 13 + s * (n * n + 29 * d)) % 97) / 8.0 - 6 + s * 0.5 * d


def table(s, rows, columns):
    return np.array([[element(s, n, d) for d in range(columns)] for n in range(rows)])


def say(name, value):
    print(f"inline constexpr double {name} = {value!r};")


def squared_mmd(x, y, h):
    k = lambda a, b: rbf_kernel(a, b, gamma=1 / (2 * h * h))
    n, m = len(x), len(y)
    within = lambda g, n: (g.sum() - np.trace(g)) / (n * (n - 1))
    return within(k(x, x), n) + within(k(y, y), m) - 2 * k(x, y).mean()


def main():
    print(HEAD)
    logits = table(0, 60, 3) / 4
    labels = np.array([n * n % 7 % 3 for n in range(60)])
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    print("// 60 rows of set 0 by 3 columns, divided by 4, as logits, and their labels")
    say("accuracy", float(accuracy_score(labels, p.argmax(axis=1))))
    say("cross_entropy", float(log_loss(labels, p)))
    say("brier", float(brier_score_loss(labels, p, scale_by_half=False)))

    positive, negative = table(1, 50, 2)[:, 1], table(0, 70, 2)[:, 1]
    truth = np.r_[np.ones(50), np.zeros(70)]
    print("// column 1 of 50 rows of set 1 as positive, of 70 rows of set 0 as negative scores")
    say("average_precision", float(average_precision_score(truth, np.r_[positive, negative])))
    rate, found, _ = roc_curve(truth, np.r_[positive, negative], drop_intermediate=False)
    say("false_positive_rate", float(rate[found >= 0.95][0]))

    x, y = table(0, 40, 4), table(1, 55, 4)
    a, b = np.cov(x.T), np.cov(y.T)
    print("// 40 rows of set 0 beside 55 rows of set 1, by 4 columns")
    apart = x.mean(axis=0) - y.mean(axis=0)
    say("frechet", float(apart @ apart + np.trace(a + b - 2 * sqrtm(a @ b).real)))
    say("mmd", float((squared_mmd(x, y, 4) + squared_mmd(x, y, 8)) / 2))
    between, within_x, within_y = pairwise_distances(x, y), pairwise_distances(x), pairwise_distances(y)
    radius = lambda d: np.sort(d, axis=1)[:, 3]
    say("precision", float((between <= radius(within_y)[None, :]).any(axis=1).mean()))
    say("recall", float((between <= radius(within_x)[:, None]).any(axis=0).mean()))
    print("\n}  // namespace basin::test::reference\n\n#endif")


main()
