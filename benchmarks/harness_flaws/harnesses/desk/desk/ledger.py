"""The claims, as the bookkeeping system exports them every night."""

from dataclasses import dataclass
from decimal import Decimal

EXPORT = """
C-1001 amara 84.00 EUR travel receipt open
C-1002 jonas 12.50 USD meals none open
C-1003 amara 310.75 EUR lodging receipt open
C-1004 priya 45.10 GBP travel receipt approved
C-1005 jonas 88.40 USD travel receipt open
C-1006 priya 19.99 EUR meals receipt rejected
C-1007 tomas 1250.00 SEK lodging receipt open
C-1008 tomas 64.25 EUR travel none open
C-1009 amara 142.35 USD lodging receipt approved
C-1010 lena 27.80 GBP meals receipt open
C-1011 lena 510.00 EUR equipment receipt open
C-1012 jonas 33.60 USD meals receipt open
C-1013 priya 96.45 USD travel receipt open
C-1014 tomas 73.20 EUR meals receipt approved
C-1015 lena 218.90 GBP lodging receipt open
C-1016 amara 405.15 SEK travel receipt rejected
"""

#: Euros for one unit.
RATES = {"EUR": Decimal(1), "USD": Decimal("0.8732"), "GBP": Decimal("1.1625"), "SEK": Decimal("0.0891")}


@dataclass
class Claim:
    claim_id: str
    employee: str
    amount: Decimal
    currency: str
    category: str
    has_receipt: bool
    status: str


class Ledger:
    def __init__(self, export: str = EXPORT) -> None:
        rows = [line.split() for line in export.strip().splitlines()]
        self.claims = {
            row[0]: Claim(row[0], row[1], Decimal(row[2]), row[3], row[4], row[5] == "receipt", row[6]) for row in rows
        }

    def get(self, claim_id: str) -> Claim:
        try:
            return self.claims[claim_id]
        except KeyError:
            raise LookupError(f"there is no claim {claim_id}") from None
