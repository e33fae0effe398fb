"""Diagnostics of fitted estimators, and their pictures."""

from ._attribution import attribution
from ._display import AttributionDisplay, GradientFlowDisplay
from ._gradient_flow import gradient_flow

__all__ = ["AttributionDisplay", "GradientFlowDisplay", "attribution", "gradient_flow"]
