"""Marks for a course: points, graders' formats, a class in one command; see docs/graders.md."""
