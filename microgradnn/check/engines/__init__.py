"""An autodiff engine of one's own, such as micrograd's Value, driven through many programs."""
