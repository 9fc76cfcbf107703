"""When bindings are due: pure, from what is recorded of them and from the present time."""
