"""The product: records, stages, GitHub and pages."""
