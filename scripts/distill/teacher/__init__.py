"""The teacher: a language model behind an OpenAI-compatible endpoint, asked through spacy-llm's config format."""
