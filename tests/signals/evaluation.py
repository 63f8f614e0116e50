"""Precision, recall and the area under the ROC curve, in a few lines."""

from collections.abc import Sequence


def auc(values: Sequence[float], truth: Sequence[int]) -> float:
    """The chance that a positive scores above a negative, ties counting half."""
    ordered = sorted(zip(values, truth, strict=True))
    rank_sum = 0.0
    start = 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end][0] == ordered[start][0]:
            end += 1
        rank_sum += (start + end + 1) / 2 * sum(positive for _, positive in ordered[start:end])
        start = end
    n_positive = sum(truth)
    return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * (len(truth) - n_positive))


def precision_recall_f1(
    values: Sequence[float], truth: Sequence[int], threshold: float = 0.5
) -> tuple[float, float, float]:
    hits = sum(value >= threshold and bool(positive) for value, positive in zip(values, truth, strict=True))
    flagged = sum(value >= threshold for value in values)
    precision, recall = hits / flagged if flagged else 0.0, hits / sum(truth)
    return precision, recall, 2 * precision * recall / (precision + recall) if hits else 0.0
