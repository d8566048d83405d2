"""Configuration of a Gunicorn whose application knows nothing of Bugsly."""

import bugsly

bugsly.init()
