"""Where true derivatives come from: proofs in balls, complex steps, extrapolated differences."""
