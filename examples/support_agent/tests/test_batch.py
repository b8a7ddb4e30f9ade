from conftest import StubClient, says
from support_agent.batch import Worker


def job(session_id: str) -> dict[str, object]:
    return {"session_id": session_id, "user_id": "c-001", "turns": ["Hi"]}


def test_a_job_is_answered() -> None:
    worker = Worker(StubClient(says("Hello!")))  # type: ignore[arg-type]  # all that the agent uses of it
    assert worker.handle(job("s-1")) == {"session_id": "s-1", "answer": "Hello!", "error": None}


def test_a_crash_is_reported_and_the_next_job_is_served() -> None:
    worker = Worker(StubClient())  # type: ignore[arg-type]  # all that the agent uses of it
    assert str(worker.handle(job("s-1"))["error"]).startswith("IndexError")
    worker.client.replies.append(says("Hello!"))  # type: ignore[attr-defined]  # the stub's
    assert worker.handle(job("s-2"))["answer"] == "Hello!"


def test_a_rating_is_taken_for_a_conversation_that_was_answered() -> None:
    worker = Worker(StubClient(says("Hello!")))  # type: ignore[arg-type]  # all that the agent uses of it
    worker.handle(job("s-1"))
    assert worker.handle({"rate": "s-1", "helpful": False, "comment": "no"}) == {"rated": "s-1"}
