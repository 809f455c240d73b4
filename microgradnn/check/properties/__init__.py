"""Hypothesis draws the inputs of a check, and makes what it finds as small as it can be."""
