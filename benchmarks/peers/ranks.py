# SPDX-License-Identifier: Apache-2.0
"""What tabular_ladder and tabular_experts ask of energies."""

import numpy
from scipy.stats import rankdata


def surprise(energies, train):
    """As views.hpp's: -log of the share of training rows that are as high or higher, for each row of energies."""
    result = numpy.empty_like(energies)
    for to, e in zip(result, energies, strict=True):
        rows = numpy.sort(e[:train])
        below = numpy.searchsorted(rows, e)
        to[:] = numpy.log((train + 1) / (train - below + 1)) + 1e-3 * numpy.arctan((e - rows[-1]) / (rows.std() or 1))
    return result


def auroc(scores, normal):
    """Of a vector of scores, of which the first `normal` are those of normal rows."""
    anomalies = len(scores) - normal
    return (rankdata(scores)[normal:].sum() - anomalies * (anomalies + 1) / 2) / (anomalies * normal)
