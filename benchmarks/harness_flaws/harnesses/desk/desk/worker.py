"""Answer the jobs on standard input, one JSON object per line."""

import json
import sys

from desk import telemetry
from desk.ledger import Ledger
from desk.llm import make_client
from desk.loop import converse
from desk.tools import Toolbox


def main():
    provider = telemetry.configure()
    client, toolbox, spans = make_client(), Toolbox(Ledger()), {}
    for line in sys.stdin:
        job = json.loads(line)
        if "rate" in job:
            telemetry.rate(spans[job["rate"]], job["helpful"], job["comment"])
            told = {"rated": job["rate"]}
        else:
            told = {"answer": "", "error": None}
            try:
                told["answer"], spans[job["session_id"]] = converse(
                    client, toolbox, job["turns"], job["session_id"], job["user_id"]
                )
            except Exception as error:  # the next employee is served whatever happened to this one
                told["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(told), flush=True)
    provider.shutdown()


if __name__ == "__main__":
    main()
