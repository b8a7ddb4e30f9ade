"""The assistant of a municipal vehicle workshop."""
