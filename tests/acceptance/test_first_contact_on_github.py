"""What a repository is asked when traces came before it was selected: its own services are proposed, no others."""

import json
from collections.abc import Sequence

import httpx
import pytest

from bot.pipeline import Pipeline
from fixers.harness import CONFIGURATION_PATH
from tests.acceptance.github_loop import agent_files, wait_for
from tests.acceptance.test_github_away import Clock, pipeline, serving
from tests.acceptance.test_github_faults import TENANT, World, emulator, new_store, world
from tests.emulator.emulator import INSTALLATION_ID

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

__all__ = ["emulator", "new_store", "pipeline", "world"]  # fixtures


def traces(services: Sequence[str]) -> dict[str, object]:
    """Return one run of each service, as OTLP in JSON."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                "scopeSpans": [{"spans": [span(f"{number:032x}")]}],
            }
            for number, service in enumerate(services, 1)
        ]
    }


def span(trace_id: str) -> dict[str, object]:
    nanoseconds = "1790000000000000000"
    return {
        "traceId": trace_id,
        "spanId": "1" * 16,
        "name": "invoke_agent",
        "startTimeUnixNano": nanoseconds,
        "endTimeUnixNano": nanoseconds,
        "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "invoke_agent"}}],
    }


@pytest.mark.parametrize("new_store", ["sqlite"], indirect=True)
def test_the_configuration_names_the_services_that_a_public_repository_names(world: World, pipeline: Pipeline) -> None:
    files = {path: text for path, text in agent_files().items() if path != CONFIGURATION_PATH}
    world.emulator.push(files)
    owner, _, name = world.emulator.repository.partition("/")
    assert owner
    with serving(world, pipeline, Clock()) as url:
        key = world.store.create_key(TENANT)
        sent = httpx.post(
            f"{url}/v1/traces",
            content=json.dumps(traces([name, "acquisition-of-globex"])),
            headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
        )
        assert sent.status_code == 200, sent.text
        world.emulator.select(INSTALLATION_ID, removed=[world.emulator.repository])
        world.emulator.select(INSTALLATION_ID, added=[world.emulator.repository])
        wait_for(lambda: any(pull["head"]["ref"] == "tracewright/configure" for pull in world.emulator.pulls()))
    (pull,) = [pull for pull in world.emulator.pulls() if pull["head"]["ref"] == "tracewright/configure"]
    at = f"/repos/{world.emulator.repository}/contents/{CONFIGURATION_PATH}?ref=tracewright/configure"
    assert f'services: ["{name}"]' in pull["body"]
    assert "globex" not in pull["body"] + json.dumps(world.emulator.call("GET", at))
