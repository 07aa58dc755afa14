"""Papers in PDF files: columns in order, words made whole, and nothing of what only the page says."""

from .reader import READER, SUFFIXES, read_pdf

__all__ = ["READER", "SUFFIXES", "read_pdf"]
