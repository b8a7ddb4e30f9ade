"""The loop: ask the model, run what it calls, until it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fleetdesk import telemetry
from fleetdesk.agent.executor import Executor, Run
from fleetdesk.agent.report import read_report, render
from fleetdesk.config import Settings
from fleetdesk.context.prompts import compose, read_pieces
from fleetdesk.context.window import fit, shorten_results
from fleetdesk.llm.client import ModelClient
from fleetdesk.llm.messages import Message
from fleetdesk.memory.session import Session
from fleetdesk.memory.skills import read_skills, relevant

UNDECIDED = "I have not found everything yet; please ask me for a part of it."


@dataclass(frozen=True)
class Reply:
    """What a person is told, and the span of the conversation."""

    text: str
    span: Any


class Assistant:
    """Answers people with a model and the tools of a depot."""

    def __init__(self, model: ModelClient, run: Run, schemas: Sequence[dict[str, Any]], settings: Settings) -> None:
        self.model = model
        self.schemas = list(schemas)
        self.settings = settings
        self.executor = Executor(run, settings.loop)
        self.pieces = read_pieces(settings.prompts)
        self.skills = read_skills(settings.skills)

    async def talk(self, session: Session, turns: Sequence[str]) -> Reply:
        """Answer each turn; the reply is the last answer."""
        with telemetry.conversation_span(turns, session.session_id, session.user_id) as span:
            text = ""
            for turn in turns:
                session.hear(turn)
                session.begin(self._prompt(session))
                text = render(read_report(turn, await self._answer(session)))
            span.set_attribute("output.value", text)
            return Reply(text, span.get_span_context())

    async def _answer(self, session: Session) -> str:
        for _ in range(self.settings.loop.max_steps):
            answer = await self.model.ask(self._sent(session), self.schemas)
            session.n_steps += 1
            session.add(answer.message)
            if not answer.calls:
                return answer.content
            session.add(*await self.executor.run_all(answer.calls))
        answer = await self.model.ask(self._sent(session), self.schemas, may_call=False)
        session.add(answer.message)
        return answer.content or UNDECIDED

    def _sent(self, session: Session) -> list[Message]:
        settings = self.settings.context
        shorter = shorten_results(session.messages, max_result=settings.max_result)
        return fit(shorter, budget_tokens=settings.budget_tokens).messages

    def _prompt(self, session: Session) -> str:
        """Put the instructions together: what always applies, and what the person's words touch."""
        words = " ".join(message["content"] for message in session.messages if message["role"] == "user")
        prompt = compose(self.pieces, words=words, depot=self.settings.depot)
        skills = relevant(self.skills, words)
        return f"{prompt}\n\n{skills}" if skills else prompt
