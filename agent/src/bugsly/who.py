"""What a worker says of itself in every report, and with every error."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from typing import TYPE_CHECKING

from bugsly import __version__
from bugsly.probes import process
from bugsly.protocol.event import Origin
from bugsly.protocol.memory import Worker

if TYPE_CHECKING:
    from bugsly.options import Options
    from bugsly.place import Place


def worker_at(place: Place, options: Options) -> Worker:
    """Return this process, which stands at *place*."""
    return Worker(
        pid=os.getpid(),
        host=options.server_name,
        machine=process.machine(),
        age=process.age(),
        every=int(options.sample_every * 1_000_000),
        release=options.release,
        environment=options.environment,
        python=platform.python_version(),
        **asdict(place),
    )


def origin_of(options: Options) -> Origin:
    """Return where its errors come from."""
    return Origin(
        release=options.release,
        environment=options.environment,
        server_name=options.server_name,
        version=__version__,
    )
