"""Fitted estimators in ONNX and in torch, and from torch."""

from ._fitted import NotExportableError
from ._onnx import to_onnx
from ._onnx_cells import ONNX_CELLS
from ._onnx_layers import ONNX_LAYERS
from ._onnx_state import state_from_onnx, state_to_onnx
from ._skl2onnx import register_skl2onnx
from ._torch import from_torch, to_torch

__all__ = [
    "ONNX_CELLS",
    "ONNX_LAYERS",
    "NotExportableError",
    "from_torch",
    "register_skl2onnx",
    "state_from_onnx",
    "state_to_onnx",
    "to_onnx",
    "to_torch",
]
