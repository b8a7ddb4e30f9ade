"""Where pull requests go: a forge is GitHub, or a git repository on disk."""
