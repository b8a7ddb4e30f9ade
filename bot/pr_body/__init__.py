"""The body of a pull request, as a folder of small renderers."""
