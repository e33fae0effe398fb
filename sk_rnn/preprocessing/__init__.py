"""Windows of series, and transformers of the channels of sequences."""

from ._channels import ChannelTransformer
from ._windows import make_windows

__all__ = ["ChannelTransformer", "make_windows"]
