"""The stages of a check, in their order: contract, algebra, values, kinks, points."""
