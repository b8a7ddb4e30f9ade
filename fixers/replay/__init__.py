"""Serves a recorded run back to the harness, so that a fix is tried on what really happened."""
