import pytest
from support_agent.schemas import TOOLS
from support_agent.tools import TOOL_NAMES, Toolbox, ToolError

EMAIL = "maya.weber@example.com"


def test_every_tool_is_described_to_the_model() -> None:
    assert {tool["function"]["name"] for tool in TOOLS} == set(TOOL_NAMES)


def test_an_order_has_its_items_and_its_total(toolbox: Toolbox) -> None:
    order = toolbox.get_order("A-1002")
    assert (order["item"], order["quantity"], order["total"]) == ("stoneware lantern", 1, "32.00 EUR")


def test_orders_are_listed_by_e_mail(toolbox: Toolbox) -> None:
    assert len(toolbox.list_orders(EMAIL.upper())["orders"]) == 6


def test_a_parcel_has_a_tracking_number(toolbox: Toolbox) -> None:
    assert toolbox.track_shipment("A-1001")["tracking_number"].startswith("KL")


def test_the_catalogue_is_searched_by_name(toolbox: Toolbox) -> None:
    assert [item["name"] for item in toolbox.search_catalog("Linen apron")["items"]] == ["linen apron"]


def test_identity_needs_the_customer_s_own_e_mail(toolbox: Toolbox) -> None:
    assert toolbox.verify_identity("A-1000", EMAIL)["verified"] is True
    assert toolbox.verify_identity("A-1000", "someone@example.com")["verified"] is False


def test_a_refund_is_paid_once(toolbox: Toolbox) -> None:
    assert toolbox.issue_refund("A-1002", "32.00", "damaged")["refunded"] == "32.00 EUR"
    with pytest.raises(ToolError, match="to refund"):
        toolbox.issue_refund("A-1002", "0.01", "damaged")


def test_a_refund_needs_a_positive_amount(toolbox: Toolbox) -> None:
    with pytest.raises(ToolError, match="amount"):
        toolbox.issue_refund("A-1002", "-5", "damaged")


def test_a_shipped_order_keeps_its_address(toolbox: Toolbox) -> None:
    with pytest.raises(ToolError, match="cannot be changed"):
        toolbox.change_address("A-1001", "Mill Lane 1, Leeds")


def test_an_order_in_processing_gets_a_new_address(toolbox: Toolbox) -> None:
    assert toolbox.change_address("A-1000", "Mill Lane 1, Leeds")["address"] == "Mill Lane 1, Leeds"


def test_missing_arguments_are_refused(toolbox: Toolbox) -> None:
    with pytest.raises(ToolError, match="cannot call track_shipment"):
        toolbox.call("track_shipment", {})
