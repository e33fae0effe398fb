"""Correlations within sequences, and whether they are those of white noise."""

import numpy as np
from scipy.stats import chi2


def correlation(
    a: list[np.ndarray], b: list[np.ndarray], n_lags: int
) -> tuple[np.ndarray, np.ndarray]:
    """Correlation of a at step t with b at step t - k, for k = 0, ..., n_lags.

    Sums run over the pairs within each sequence, none across their ends; what is
    missing (NaN) is in no pair. With a = b it is the autocorrelation, and of a single
    sequence the usual, biased estimate.

    Parameters
    ----------
    a, b : list of ndarray of shape (n_steps_i,)
    n_lags : int

    Returns
    -------
    r : ndarray of shape (n_lags + 1,)
        NaN where one of them is constant.
    n_pairs : ndarray of int of shape (n_lags + 1,)
    """
    (a, known_a), (b, known_b) = _centred(a), _centred(b)
    sums, n_pairs = np.zeros(n_lags + 1), np.zeros(n_lags + 1, int)
    for k in range(n_lags + 1):
        for one, other, in_one, in_other in zip(a, b, known_a, known_b, strict=True):
            stop = max(len(other) - k, 0)
            sums[k] += one[k:] @ other[:stop] if k < len(one) else 0
            n_pairs[k] += np.count_nonzero(in_one[k:] & in_other[:stop])
    scale = np.sqrt(sum(part @ part for part in a) * sum(part @ part for part in b))
    return (sums / scale if scale > 0 else np.full(n_lags + 1, np.nan)), n_pairs


def _centred(parts):
    """Deviations from the mean of all parts, 0 where missing; and what is not."""
    known = [~np.isnan(part) for part in parts]
    values = np.concatenate(parts)
    constant = np.nanmin(values) == np.nanmax(values)
    mean = np.nanmin(values) if constant else np.nanmean(values)
    return [np.nan_to_num(part - mean, nan=0.0) for part in parts], known


def ljung_box(r: np.ndarray, n_pairs: np.ndarray) -> tuple[float, float]:
    r"""Statistic and p value of the test that a series is white noise.

    .. math:: Q = n (n + 2) \sum_{k=1}^{h} r_k^2 / n_k,

    with n_k pairs at lag k (n - k of a single series), is of the chi-squared
    distribution with h degrees of freedom (Ljung & Box, Biometrika 65 (1978), 297-303).

    Parameters
    ----------
    r, n_pairs : ndarray of shape (h + 1,)
        Of `correlation` with itself; lag 0 with it.

    Returns
    -------
    statistic, p_value : float
    """
    n, used = n_pairs[0], n_pairs[1:] > 0
    terms = r[1:][used] ** 2 / n_pairs[1:][used]
    statistic = float(n * (n + 2) * terms.sum())
    return statistic, float(chi2.sf(statistic, used.sum()))
