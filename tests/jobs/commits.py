"""The moments around a job's commits: what a process killed there leaves on disk."""

from collections.abc import Callable

from pricelake.tables import Lake

CommitPoint = tuple[str, str, int]
"""Job, ``before`` or ``after``, number of its commit from 1; commits to ops.runs do not count."""

COMMIT_POINTS: tuple[CommitPoint, ...] = (
    ("ingest", "after", 1),
    ("ingest", "before", 4),
    ("build_features", "after", 1),
    ("build_features", "after", 2),
    ("train_recommender", "after", 1),
    ("train_recommender", "before", 5),
    ("train_demand", "before", 1),
    ("train_demand", "after", 1),
    ("recommend_prices", "after", 1),
    ("recommend_prices", "after", 2),
)


def counting_commits(
    job: str, at: Callable[[CommitPoint, Lake, str], None]
) -> Callable[[Lake, str, Callable[[], object]], int]:
    """A ``Lake._commit`` that calls ``at`` with the point, the lake and the table before and after each commit."""
    commit, seen = Lake._commit, 0

    def counted(self: Lake, name: str, write: Callable[[], object]) -> int:
        nonlocal seen
        if name == "ops.runs":
            return commit(self, name, write)
        seen += 1
        at((job, "before", seen), self, name)
        rows = commit(self, name, write)
        at((job, "after", seen), self, name)
        return rows

    return counted
