"""The same tasks in several frameworks, step by step beside one another: python -m compare."""
