"""The way in: bytes become traces and deliveries. No numpy, no database, no model."""
