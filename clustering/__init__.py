"""What goes wrong: traces become failures, failures become failure modes. No I/O."""
