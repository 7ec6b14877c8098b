"""Reading files that other tools wrote, one module a format."""
