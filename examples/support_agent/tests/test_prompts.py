from support_agent.prompts import PARTS, system_prompt


def test_the_system_prompt_has_all_its_parts() -> None:
    assert len(PARTS) == 3
    for heading in ("# Role", "# Refunds", "# Style"):
        assert heading in system_prompt()
