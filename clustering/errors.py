"""What can go wrong while failures are grouped.

ClusteringError
└── WeightsUnusable
"""


class ClusteringError(Exception):
    """Failures could not be described, embedded or grouped."""


class WeightsUnusable(ClusteringError):
    """The embedding model's weights are missing, or are not the ones that were tested."""
