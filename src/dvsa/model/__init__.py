"""The model in use: open a photograph once, then ask as many questions about it as you like."""

from dvsa.model.model import Model, load
from dvsa.model.view import View

__all__ = ["Model", "View", "load"]
