"""python -m tests.faults: plants faults in the library's source, and counts what the tests find."""
