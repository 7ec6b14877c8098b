"""From raw texts to what spaCy trains on: ingest, the split, the conversion to DocBin."""
