"""The small pipeline: trained in two stages, measured against its teacher, packed into a wheel."""
