"""The exercises, in their order."""
