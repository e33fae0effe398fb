"""Diagnostics of fitted estimators, and their pictures."""

from ._display import GradientFlowDisplay
from ._gradient_flow import gradient_flow

__all__ = ["GradientFlowDisplay", "gradient_flow"]
