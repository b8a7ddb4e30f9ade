"""What the model may do with the ledger."""

from decimal import ROUND_HALF_UP, Decimal

from desk.ledger import RATES, Ledger

CENT = Decimal("0.01")


class ToolFailed(Exception):
    """A tool refused; the model is told why."""


def _function(name, description, **properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


CLAIM_ID = {"type": "string", "pattern": "^C-\\d{4}$", "description": "Such as C-1001."}
SCHEMAS = [
    _function("get_claim", "Look up one claim: employee, amount, currency, category, status.", claim_id=CLAIM_ID),
    _function("check_receipt", "Check that a claim has a readable receipt.", claim_id=CLAIM_ID),
    _function("approve_claim", "Approve a claim; it is paid with the next run.", claim_id=CLAIM_ID),
    _function(
        "convert",
        "Convert an amount into another currency at today's rate; the result is rounded to cents.",
        amount={"type": "string", "description": "With a point, such as 12.50."},
        currency={"type": "string", "enum": list(RATES)},
        into={"type": "string", "enum": list(RATES)},
    ),
]


class Toolbox:
    """Runs tools by name on one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def run(self, name, arguments):
        tool = getattr(self, f"do_{name}", None)
        if tool is None:
            raise ToolFailed(f"there is no tool {name}")
        try:
            return tool(**arguments)
        except (LookupError, TypeError, ArithmeticError) as error:
            raise ToolFailed(str(error)) from error

    def do_get_claim(self, claim_id):
        claim = self.ledger.get(claim_id)
        return {
            "claim_id": claim.claim_id,
            "employee": claim.employee,
            "amount": str(claim.amount),
            "currency": claim.currency,
            "category": claim.category,
            "status": claim.status,
        }

    def do_check_receipt(self, claim_id):
        claim = self.ledger.get(claim_id)
        if not claim.has_receipt:
            raise ToolFailed(f"claim {claim_id} has no receipt")
        return {"claim_id": claim_id, "receipt": "readable"}

    def do_approve_claim(self, claim_id):
        claim = self.ledger.get(claim_id)
        claim.status = "approved"
        return {"claim_id": claim_id, "status": claim.status}

    def do_convert(self, amount, currency, into):
        euros = Decimal(amount) * RATES[currency]
        converted = (euros / RATES[into]).quantize(CENT, rounding=ROUND_HALF_UP)
        return {"amount": str(converted), "currency": into}
