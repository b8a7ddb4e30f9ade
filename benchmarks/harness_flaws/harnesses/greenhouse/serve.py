"""Answer jobs from standard input, one JSON object a line."""

import json
import sys

import keeper
import spans
from provider import Provider


def main():
    provider, held = Provider(), {}
    for line in sys.stdin:
        job = json.loads(line)
        if "rate" in job:
            spans.rate(held[job["rate"]], job["helpful"], job["comment"])
            print(json.dumps({"rated": job["rate"]}), flush=True)
            continue
        told = {"answer": "", "error": None}
        try:
            told["answer"], held[job["session_id"]] = keeper.talk(
                provider, job["turns"], session=job["session_id"], user=job["user_id"]
            )
        except Exception as error:
            told["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
