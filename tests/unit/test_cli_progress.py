"""The terminal's live line, its finished steps, and the plain lines where no terminal is attached."""

import io
import re

from rich.console import Console

from pricelake.cli.progress import TerminalReporter

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def console(is_terminal: bool) -> tuple[Console, io.StringIO]:
    written = io.StringIO()
    return Console(force_terminal=is_terminal, file=written, width=100), written


def test_a_terminal_sees_the_live_line_and_each_finished_step_once() -> None:
    terminal, written = console(is_terminal=True)
    reporter = TerminalReporter(terminal)
    with reporter:
        reporter.heading("train_demand", 4, 6)
        reporter.step("Encode")
        reporter.step("Train")
        reporter.advance(3, 10, "validation 0.5")
        reporter._live.refresh()  # the clock that draws it runs in a thread of its own
        running = CONTROL.sub("", written.getvalue())
        assert "Train" in running.splitlines()[-1]
        assert "validation 0.5" in running.splitlines()[-1]
        assert "✓ Train" not in running
    said = CONTROL.sub("", written.getvalue())
    assert said.index("4/6 train_demand") < said.index("✓ Encode") < said.index("✓ Train")
    assert [len(re.findall(f"✓ {step} [0-9.]+ s", said)) for step in ("Encode", "Train")] == [1, 1]
    assert "…" not in said


def test_a_step_that_failed_is_not_called_done() -> None:
    terminal, written = console(is_terminal=True)
    reporter = TerminalReporter(terminal)
    reporter.__enter__()
    reporter.step("Encode")
    reporter.step("Train")
    reporter.__exit__(ValueError, ValueError("broken"), None)
    said = CONTROL.sub("", written.getvalue())
    assert "✓ Encode" in said
    assert "✓ Train" not in said


def test_without_a_terminal_every_step_is_one_plain_line() -> None:
    plain, written = console(is_terminal=False)
    with TerminalReporter(plain) as reporter:
        reporter.heading("train_demand", 4, 6)
        reporter.step("Encode [the] panel")
        reporter.advance(3, 10, "validation 0.5")
    assert written.getvalue().splitlines() == [
        "4/6 train_demand",
        "  … Encode [the] panel",
        "    3/10 validation 0.5",
    ]
