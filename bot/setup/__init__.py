"""The first minutes: register the GitHub App with one click, and keep what GitHub answers."""
