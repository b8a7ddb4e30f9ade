HARNESS = "desk"


def test_a_claim_without_a_receipt_is_not_approved(fresh):
    assert fresh("no_receipt", n=4).wrong == []


def test_a_claim_with_a_receipt_is_approved(fresh):
    assert fresh("approval", n=4).wrong == []
