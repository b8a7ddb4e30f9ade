"""Record a live run, once, on the operator's own machine: never in the sandbox, never while a fix is tried."""
