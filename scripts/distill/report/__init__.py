"""What came out, on one page."""
