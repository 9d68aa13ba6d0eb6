"""What a scoreboard has judged so far, kept until it is whole: a run that is cut off need not begin again."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pricelake.errors import SettingsError
from pricelake.evaluation.rows import Measured, Setting
from pricelake.workflows.score_case import Judged
from pricelake.workflows.whole_file import whole_file


@dataclass(frozen=True)
class KeptCases:
    """Judged cases in a folder, one file each.

    Attributes:
        folder: for them alone.
        origin: code and settings that the run is of; figures of another origin are never joined with it.
    """

    folder: Path
    origin: str

    def read(self, name: str) -> tuple[Judged, dict[str, Any]] | None:
        """A case that was judged before, with what there is to say about it; None: it was not.

        Raises:
            SettingsError: it was judged by other code or under other settings.
        """
        path = self._path(name)
        if not path.exists():
            return None
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["origin"] != self.origin:
            raise SettingsError(
                f"{path} was judged by other code or under other settings ({content['origin']}, now {self.origin}): "
                "its figures do not belong to this scoreboard. Run it from the start, without --resume."
            )
        measured = [_measured(one) for one in content["measured"]]
        return Judged(measured, content["promises"], content["failures"]), content["facts"]

    def write(self, name: str, judged: Judged, facts: dict[str, Any]) -> None:
        """Keep a case; its file is whole or not there."""
        with whole_file(self._path(name)) as file:
            json.dump({"origin": self.origin, "facts": facts, **asdict(judged)}, file)

    def clear(self) -> None:
        """Forget all of them."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def _measured(content: dict[str, Any]) -> Measured:
    setting = content["setting"]
    return Measured(**(content | {"setting": Setting(**(setting | {"switches": tuple(setting["switches"])}))}))
