from support_agent.tools import Toolbox


def test_it_means_the_order_that_was_mentioned_last(toolbox: Toolbox) -> None:
    toolbox.get_order("A-1003")
    assert toolbox.get_order()["order_id"] == "A-1003"
