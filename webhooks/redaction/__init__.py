"""What counts as a secret, in which disguises it is looked for, and what takes its place."""
