"""What is wrong with a gradient that is wrong: the mistake by its name, and the line."""
