"""Have one conversation from the command line, each argument a turn of the customer."""

import sys

from support_agent import database
from support_agent.agent import SupportAgent
from support_agent.client import build_client
from support_agent.telemetry import configure
from support_agent.tools import Toolbox

CUSTOMER = "c-001"


def main() -> int:
    provider = configure()
    agent = SupportAgent(build_client(), Toolbox(database.connect(), customer_id=CUSTOMER))
    try:
        reply = agent.converse(sys.argv[1:], session_id="terminal", user_id=CUSTOMER)
    finally:
        provider.shutdown()
    sys.stdout.write(f"{reply.answer}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
