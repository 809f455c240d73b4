"""Times of training steps: the same steps in every framework and form, measured in turn."""
