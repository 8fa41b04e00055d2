"""A page where people see the model think, and the service behind it.

from dvsa.web import create_app

app = create_app(dvsa.load(threads=1))
"""

from dvsa.web.app import create_app
from dvsa.web.settings import Settings

__all__ = ["Settings", "create_app"]
