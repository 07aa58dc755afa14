"""Turn scientific papers into a grounded instruction-tuning dataset with Qwen models."""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["__version__"]
