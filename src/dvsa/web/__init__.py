"""A page that shows what the model does with a photograph, and the HTTP service behind it.

from dvsa.web import create_app

app = create_app(dvsa.load(threads=1))
"""

from dvsa.web.app import create_app
from dvsa.web.settings import Settings

__all__ = ["Settings", "create_app"]
