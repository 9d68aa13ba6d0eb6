"""Scheduled task: ``spark-submit jobs/recommend_prices.py --settings conf/demo.yaml --as-of 2018-01-01``."""

import sys
from collections.abc import Sequence

from pricelake.workflows.entry import job_main


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return 0 on success, 1 on failure, 2 on wrong usage."""
    return job_main("recommend_prices", argv)


if __name__ == "__main__":
    sys.exit(main())
