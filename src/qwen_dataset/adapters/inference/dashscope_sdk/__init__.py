"""Bailian in realtime through its own SDK, which is imported by the factory alone (see ``adapter``)."""
