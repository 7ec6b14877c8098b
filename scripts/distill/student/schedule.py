"""How long to train."""

MIN_STEPS, MAX_STEPS = 1000, 20000
"""spaCy's own default is the second."""


def steps_for(texts: int) -> int:
    """The most steps of a training on so many texts: 1.25 for each, within reason; spaCy's own where that is not known
    (0)."""
    return int(min(max(MIN_STEPS, round(1.25 * texts, -2)), MAX_STEPS)) if texts else MAX_STEPS
