"""Making the template a project of one's own."""
