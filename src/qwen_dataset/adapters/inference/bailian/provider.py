"""The provider ``bailian``: one address for both ways, batches at half the price and calls one by one."""

from __future__ import annotations

import attrs

from ....ports.inference import BackendSettings, Offer
from . import places


def open_bailian(settings: BackendSettings) -> Offer:
    """Build the backend of ``bailian:?parameters``: ``dashscope`` in realtime, else ``openai-batch``. Spends nothing.

    Parameters of the other way are accepted and change nothing, so that one address serves both. Where the region has
    no batches and nobody chose, it is realtime. Raises SettingError.
    """
    if settings.realtime:
        return attrs.evolve(_realtime(settings), either=True)
    if settings.realtime is None and not _has_batches(settings):
        return _realtime(settings)
    from ..openai_api.batch import open_openai_batch  # noqa: PLC0415  # what a way needs is loaded for who goes it

    return attrs.evolve(open_openai_batch(settings), either=True)


def _realtime(settings: BackendSettings) -> Offer:
    from ..dashscope_sdk.adapter import open_dashscope  # noqa: PLC0415  # likewise

    return open_dashscope(settings)


def _has_batches(settings: BackendSettings) -> bool:
    """Say whether there may be batches: elsewhere than at Bailian nobody knows."""
    region = settings.region if settings.base_url is None else places.region_of(settings.base_url)
    return region is None or places.has_batches(region)
