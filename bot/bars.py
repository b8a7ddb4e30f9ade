"""Progress bars on a terminal, one for each stage that reports."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bot.workshop import Listener

WIDTH = 48


@contextmanager
def bars(console: Console, *, quiet: bool = False) -> Iterator[Listener]:
    """Yield a listener that draws; `quiet` draws nothing."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=quiet,
    )
    tasks: dict[str, TaskID] = {}

    def listen(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            progress.start()  # only now: a command that fails before draws nothing
            tasks[stage] = progress.add_task(escape(_fitted(stage)), total=total)
        progress.update(tasks[stage], completed=done, total=total)

    try:
        yield listen
    finally:
        if tasks:
            progress.stop()


def _fitted(stage: str) -> str:
    return stage if len(stage) <= WIDTH else f"{stage[: WIDTH - 1]}…"
