"""What a run says at its end: counts, quality where the truth is known, one line for machines."""

from collections.abc import Iterator

from services.beneficiary.domain.matching import Outcome
from services.beneficiary.domain.matching.quality import Quality
from services.cli.matching.run import Result

UNMEASURED = Quality(0, None, None, None, None, None, {})


def lines(result: Result, quality: Quality | None) -> Iterator[str]:
    """The report; its last line is for machines."""
    yield from _problems(result)
    yield from _counts(result)
    if quality is not None:
        yield from _quality(quality)
    yield last_line(result, quality)


def last_line(result: Result, quality: Quality | None) -> str:
    """Every figure as name=value; "-" where there was nothing to measure it by."""
    review = result.called(Outcome.REVIEW)
    known = quality or UNMEASURED
    figures = {
        "records": str(len(result.ids)),
        "pairs": str(result.called(Outcome.SAME)),
        "precision": _share(known.precision),
        "recall": _share(known.recall),
        "f1": _share(known.f1),
        "hard_merged": _share(known.hard_clustered),
        "review_per_1000": f"{_per_thousand(review, result):.1f}",
        "seconds": f"{result.seconds:.1f}",
    }
    return "match " + " ".join(f"{name}={value}" for name, value in figures.items())


def _problems(result: Result) -> Iterator[str]:
    shown, counts = result.problems.shown, result.problems.counts
    yield from shown
    if counts.total() > len(shown):
        yield f"... and {counts.total() - len(shown)} more:"
        yield from (f"  {count} times {what}" for what, count in counts.most_common())


def _counts(result: Result) -> Iterator[str]:
    same, review = result.called(Outcome.SAME), result.called(Outcome.REVIEW)
    yield f"{len(result.ids)} records, {len(result.scores)} pairs compared"
    if result.judged.pairs.skipped:
        yield f"{result.judged.pairs.skipped} facts that too many people share were not followed"
    for what, count in (("same person, for confirmation", same), ("uncertain, for review", review)):
        yield f"{what}: {count} pairs ({_per_thousand(count, result):.1f} per 1,000 records)"


def _quality(quality: Quality) -> Iterator[str]:
    yield f"true pairs: {quality.true_pairs}"
    yield (
        f"precision {_share(quality.precision)}, recall {_share(quality.recall)}, "
        f"F1 {_share(quality.f1)}"
    )
    yield (
        f"hard pairs merged: {_share(quality.hard_direct)} directly, "
        f"{_share(quality.hard_clustered)} in groups"
    )
    for name, (found, of) in quality.found_by_error.items():
        yield f"  {name:22} {found:5} of {of:5} found ({found / of:.3f})"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _per_thousand(count: int, result: Result) -> float:
    return 1000 * count / max(len(result.ids), 1)
