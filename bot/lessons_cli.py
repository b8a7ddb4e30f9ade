"""`tracewright lessons`: read, edit and delete what earlier fixes taught."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bot.assemble import LOCAL
from bot.errors import BadSetting, UnknownLesson
from bot.learn import counted
from bot.lesson import MAX_TEXT, Learned, State
from bot.pr_body.escape import one_line
from bot.store.store import Store
from bot.terminal import Json, Tenant, opened_product, print_either

lessons_app = typer.Typer(help="What earlier fixes taught; given, as data, to those who draft the next ones.")

LessonId = Annotated[str, typer.Argument(metavar="ID", help="The lesson's id, or the start of it.")]


@lessons_app.callback(invoke_without_command=True)
def list_lessons(
    context: typer.Context,
    *,
    everything: Annotated[bool, typer.Option("--all", help="The dropped and the deleted, too.")] = False,
    tenant: Tenant = LOCAL,
    as_json: Json = False,
) -> None:
    """List the lessons, with who said what where, and how often each helped or did harm."""
    if context.invoked_subcommand is not None:
        return
    with opened_product() as product:
        listed = [each for each in counted(product.store, tenant) if everything or each.state is State.KEPT]
    print_either(lessons_table(listed), [lesson_record(each) for each in listed], as_json=as_json)


@lessons_app.command()
def edit(
    lesson: LessonId,
    text: Annotated[str, typer.Argument(help="What it shall say.")],
    *,
    tenant: Tenant = LOCAL,
    as_json: Json = False,
) -> None:
    """Say a lesson in other words; its counts begin anew, and a dropped or deleted one is given again."""
    if not text.strip() or len(text) > MAX_TEXT:
        raise BadSetting(f"a lesson has 1 to {MAX_TEXT} characters, not {len(text)}")
    with opened_product() as product:
        known = find_lesson(product.store, tenant, lesson)
        product.store.rewrite_lesson(tenant, replace(known.lesson, text=one_line(text, limit=MAX_TEXT)))
        edited = find_lesson(product.store, tenant, known.lesson.id)
    print_either(lessons_table([edited]), lesson_record(edited), as_json=as_json)


@lessons_app.command()
def delete(lesson: LessonId, *, tenant: Tenant = LOCAL, as_json: Json = False) -> None:
    """Give a lesson to nobody any more; it is not learned again."""
    with opened_product() as product:
        known = find_lesson(product.store, tenant, lesson)
        product.store.set_lesson_state(tenant, known.lesson.id, State.DELETED)
    print_either(Text("Deleted."), {"deleted": known.lesson.id}, as_json=as_json)


def find_lesson(store: Store, tenant: str, start: str) -> Learned:
    """Return the lesson whose id begins like this.

    Raises
    ------
    UnknownLesson
        There is none, or more than one.

    """
    found = [each for each in counted(store, tenant) if start and each.lesson.id.startswith(start)]
    if len(found) != 1:
        raise UnknownLesson(f"{len(found)} lessons of tenant {tenant!r} have an id that begins with {start!r}")
    return found[0]


def lesson_record(learned: Learned) -> dict[str, Any]:
    """Return a lesson as plain values."""
    lesson = learned.lesson
    return {
        "id": lesson.id,
        "kind": lesson.kind.value,
        "text": lesson.text,
        "state": learned.state.value,
        "helpful": learned.n_helpful,
        "harmful": learned.n_harmful,
        "repository": lesson.repository,
        "failure_mode": lesson.failure_mode_id,
        "layer": lesson.layer,
        "paths": list(lesson.paths),
        "pull_request": lesson.pull_request,
        "comment": lesson.comment,
        "author": lesson.author,
        "learned_at": lesson.learned_at.isoformat(),
        "edited_at": learned.edited_at.isoformat() if learned.edited_at else "",
    }


def lessons_table(listed: Sequence[Learned]) -> RenderableType:
    """Draw the lessons, the newest first."""
    if not listed:
        return Text("No lessons yet: they come from reviews, refusals, production and predictions.")
    table = Table(
        title="Lessons", title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False, expand=True
    )
    for name in ("id", "kind", "helped", "harmed"):
        table.add_column(name, no_wrap=True)
    table.add_column("lesson, and who said it where", overflow="fold", ratio=1)
    for learned in reversed(listed):
        lesson = learned.lesson
        kind = lesson.kind.value if learned.state is State.KEPT else f"{lesson.kind.value} ({learned.state})"
        said = f"→ {lesson.author or 'production and trials'}, {lesson.comment or lesson.pull_request}"
        told = f"{one_line(lesson.text, limit=MAX_TEXT)}\n{one_line(said, limit=MAX_TEXT)}"
        cells = (lesson.id, kind, str(learned.n_helpful), str(learned.n_harmful), told)
        table.add_row(*(Text(cell) for cell in cells))
    return table
