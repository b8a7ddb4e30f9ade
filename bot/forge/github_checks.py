"""Attach check runs to a commit on GitHub."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from github.CheckRun import CheckRun
from github.Repository import Repository

from bot.forge.forge import Action, Annotation, Conclusion
from bot.forge.github_channel import Channel
from bot.pull_request import PullRequest

#: https://docs.github.com/en/rest/checks/runs: characters of summary and of text, and annotations in one request.
MAX_CHECK_CHARACTERS = 65_535
MAX_ANNOTATIONS = 50


class Checks:
    """Our check runs in one repository."""

    def __init__(self, publishing: Channel) -> None:
        self._publishing = publishing

    def report(
        self,
        pull_request: PullRequest,
        *,
        name: str,
        summary: str,
        text: str,
        conclusion: Conclusion,
        annotations: Sequence[Annotation] = (),
        actions: Sequence[Action] = (),
    ) -> None:
        """Attach a check run to the head commit, or bring the one with this name up to date."""
        output: dict[str, Any] = {"title": name, "summary": _cut(summary), "text": _cut(text)}
        external_id = f"{pull_request.head_branch}/{name}"
        run = self._find_check(pull_request.head_sha, name, external_id)
        if run is None:
            run = self._publishing.ask(
                f"report check {name!r}",
                lambda repo: repo.create_check_run(
                    name, pull_request.head_sha, external_id=external_id, status="in_progress", output=output
                ),
            )
        # GitHub adds the annotations of each request to those before: a resumed call sends the rest.
        rest = [_annotation(annotation) for annotation in annotations[run.output.annotations_count :]]
        for start in range(0, max(1, len(rest)), MAX_ANNOTATIONS):
            part = {**output, "annotations": rest[start : start + MAX_ANNOTATIONS]}
            self._complete(run, name, part, conclusion, actions)

    def _find_check(self, sha: str, name: str, external_id: str) -> CheckRun | None:
        runs = self._publishing.ask(
            f"look for check {name!r}",
            lambda repo: list(repo.get_commit(sha).get_check_runs(check_name=name)),
        )
        return next((run for run in runs if run.external_id == external_id), None)

    def _complete(
        self, run: CheckRun, name: str, output: dict[str, Any], conclusion: Conclusion, actions: Sequence[Action]
    ) -> None:
        buttons = [asdict(action) for action in actions]

        def edit(_: Repository) -> None:
            run.edit(status="completed", conclusion=conclusion.value, output=output, actions=buttons)

        self._publishing.ask(f"complete check {name!r}", edit)


def _annotation(annotation: Annotation) -> dict[str, Any]:
    return {
        "path": annotation.path,
        "start_line": annotation.start_line,
        "end_line": annotation.end_line,
        "annotation_level": annotation.level,
        "message": annotation.message,
    }


def _cut(text: str) -> str:
    notice = "\n\n(cut: GitHub shows no more)"
    return text if len(text) <= MAX_CHECK_CHARACTERS else text[: MAX_CHECK_CHARACTERS - len(notice)] + notice
