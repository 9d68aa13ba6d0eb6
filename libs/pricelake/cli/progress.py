"""Progress in a terminal: the running step with its clock, finished steps as lines."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class TerminalReporter:
    """Shows one live line for the current step; where no terminal is attached, one plain line per step."""

    def __init__(self, console: Console) -> None:
        """Report to ``console``."""
        self.console = console
        self._live = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._live.add_task("", total=None, note="", visible=False)
        self._step: tuple[str, float] | None = None

    def __enter__(self) -> Self:
        """Start the live line."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the live line; the last step is closed unless it failed."""
        if error is None:
            self.close_step()
        self._live.stop()

    def heading(self, name: str, number: int, total: int) -> None:
        """Announce a job."""
        self.close_step()
        self.console.print(f"[bold]{number}/{total} {name}[/bold]")

    def step(self, message: str) -> None:
        """Begin a step; the one before is done."""
        self.close_step()
        self._step = (message, time.monotonic())
        self._live.reset(self._task, total=None, description=message, note="", visible=True)
        if not self.console.is_terminal:
            self.console.print(f"  … {message}", markup=False, highlight=False)

    def advance(self, done: int, total: int, note: str = "") -> None:
        """Say how far the step is."""
        self._live.update(self._task, completed=done, total=total, note=note)
        if not self.console.is_terminal:
            self.console.print(f"    {done}/{total} {note}", markup=False, highlight=False)

    def close_step(self) -> None:
        """Print the running step as done, with its seconds."""
        if self._step is None:
            return
        message, started = self._step
        self._step = None
        self._live.update(self._task, visible=False)
        if self.console.is_terminal:
            self.console.print(
                f"  [green]✓[/green] {message} [dim]{time.monotonic() - started:.1f} s[/dim]", highlight=False
            )
