"""Papers as web pages: arXiv (LaTeXML), journals, Sphinx, pandoc, Distill and whatever else people save."""

from .reader import READER, SUFFIXES, read_html

__all__ = ["READER", "SUFFIXES", "read_html"]
