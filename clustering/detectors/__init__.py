"""One module per detector, independent of the others."""
