"""The support agent of the Kettle & Loom shop."""
