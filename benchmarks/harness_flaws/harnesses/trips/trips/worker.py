"""Serve travellers: one JSON job per line of standard input."""

import json
import sys

from switchboard import Runner, tracing
from trips.assistant import ASSISTANT


def main() -> None:
    provider = tracing.configure("trips", "4.1.0")
    rated = {}
    for line in sys.stdin:
        job = json.loads(line)
        if "rate" in job:
            tracing.rate(rated[job["rate"]], job["helpful"], job["comment"])
            told = {"rated": job["rate"]}
        else:
            told = {"answer": "", "error": None}
            try:
                runner = Runner(ASSISTANT)
                told["answer"], rated[job["session_id"]] = runner.run(
                    job["turns"], session_id=job["session_id"], user_id=job["user_id"]
                )
            except Exception as error:  # one traveller's trouble is not the next one's
                told["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(told), flush=True)
    provider.shutdown()


if __name__ == "__main__":
    main()
