"""What would help: a failure mode becomes a diagnosis, a proposal and its evidence."""
