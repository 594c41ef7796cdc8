"""Words, and the one module that sends them."""
