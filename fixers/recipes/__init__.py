"""Deterministic fixers, one module per well-known flaw; no model needed."""
