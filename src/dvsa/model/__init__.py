"""The model in use: open a photograph once, then call any methods of its view."""

from dvsa.model.loading import load
from dvsa.model.model import Model
from dvsa.model.view import View

__all__ = ["Model", "View", "load"]
