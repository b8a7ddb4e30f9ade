"""A small OpenAI-compatible provider whose model is rules, so that the example needs no network and no key."""
