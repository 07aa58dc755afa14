"""LaTeX papers, of one file or several."""

from .parts import LatexParts, parts_of
from .reader import READER, SUFFIXES, read_latex

__all__ = ["READER", "SUFFIXES", "LatexParts", "parts_of", "read_latex"]
