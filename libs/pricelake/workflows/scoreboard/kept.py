"""What a scoreboard has judged so far, kept until it is whole: a run that is cut off need not begin again."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pricelake.errors import SettingsError
from pricelake.evaluation.rows import Measured, Setting
from pricelake.settings.loading import settings_hash
from pricelake.settings.rules import RuleSet
from pricelake.settings.scoreboard import ScoreboardSettings
from pricelake.workflows.own_code import content_hash
from pricelake.workflows.provenance import DIRTY
from pricelake.workflows.scoreboard.case import Judged
from pricelake.workflows.whole_file import whole_file

FOLDER = ".judged"
"""Among the folders of shops, none of which can bear this name."""
STARTED = "started_at"
"""Among the files of cases, all of which end in .json."""


@dataclass(frozen=True)
class KeptCases:
    """Judged cases in a folder, one file each.

    Attributes:
        folder: for them alone.
        origin: what the run is of (:func:`origin_of`); figures of another origin are never joined with it.
    """

    folder: Path
    origin: str

    def read(self, name: str) -> tuple[Judged, dict[str, Any]] | None:
        """A case that was judged before, with what there is to say about it; None: it was not.

        Raises:
            SettingsError: it was judged by other code or under other settings, rules or files of one's own.
        """
        path = self._path(name)
        if not path.exists():
            return None
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["origin"] != self.origin:
            raise SettingsError(
                f"{path} was judged by other code or under other settings, rules or files of one's own "
                f"({content['origin']}, now {self.origin}): its figures do not belong to this scoreboard. Run it from "
                "the start, without --resume."
            )
        measured = [_measured(one) for one in content["measured"]]
        rest = (content[name] for name in ("promises", "failures", "left_out", "flat"))
        judged = Judged(measured, *rest)
        return judged, content["facts"]

    def write(self, name: str, judged: Judged, facts: dict[str, Any]) -> None:
        """Keep a case; its file is whole or not there."""
        with whole_file(self._path(name)) as file:
            json.dump({"origin": self.origin, "facts": facts, **asdict(judged)}, file)

    def begin(self, now: str) -> str:
        """When the run was first started.

        Args:
            now: the start of this process, in ISO 8601, which is kept where nothing is yet.
        """
        path = self.folder / STARTED
        if path.exists():
            return path.read_text(encoding="utf-8")
        with whole_file(path) as file:
            file.write(now)
        return now

    def clear(self) -> None:
        """Forget all of them."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def origin_of(settings: ScoreboardSettings, rules: RuleSet, version: str) -> str:
    """What figures depend on: code, settings, and the content of the files that the settings name.

    Args:
        settings: of the run.
        rules: that its rules file holds.
        version: of the code.

    Raises:
        SettingsError: a file of one's own is not there.
    """
    own = [content_hash(reference) for reference in (*settings.markets, *settings.contenders)]
    return "/".join([version, settings_hash(settings), settings_hash(rules), *own])


def check_code_is_known(version: str) -> None:
    """Whether judged cases can be known to be of the same code.

    Args:
        version: of the code.

    Raises:
        SettingsError: it is in no commit.
    """
    if version.endswith(DIRTY):
        raise SettingsError(
            f"--resume joins only what the same code judged, and this code ({version}) is in no commit: tracked files "
            "differ from it, so nobody can tell what judged the cases that are kept. Run from the start, without "
            "--resume; a run of committed code can be resumed."
        )


def _measured(content: dict[str, Any]) -> Measured:
    setting = content["setting"]
    return Measured(**(content | {"setting": Setting(**(setting | {"switches": tuple(setting["switches"])}))}))
