"""Diagnostics of fitted estimators, and their pictures."""

from ._attribution import attribution
from ._display import AttributionDisplay, GradientFlowDisplay
from ._forecast_display import ForecastDisplay
from ._gradient_flow import gradient_flow
from ._hidden_state_display import HiddenStateDisplay
from ._loss_curve_display import LossCurve, LossCurveDisplay
from ._residual_display import ResidualDisplay
from ._simulation_display import SimulationDisplay

__all__ = [
    "AttributionDisplay",
    "ForecastDisplay",
    "GradientFlowDisplay",
    "HiddenStateDisplay",
    "LossCurve",
    "LossCurveDisplay",
    "ResidualDisplay",
    "SimulationDisplay",
    "attribution",
    "gradient_flow",
]
