"""Patterns of entry types that reveal the cause of a growth."""

import re

REQUEST_KEEPING_TYPES = re.compile(
    r"(Error|Exception|Warning|traceback|frame|Request|RequestContext|AppContext|ExceptionInfo)$"
)
"""Types of entries that keep a whole request alive."""
REUSABLE_TYPES = re.compile(
    r"(Engine|Client|Session|Pool|PoolExecutor|Connection|Thread|Timer|Consumer)$"
)
"""Types of entries that are meant to be made once and used by all requests."""
PROCESS_TYPES = re.compile(r"(^|\.)(Popen|Process)$")
"""Types of entries that stand for another process."""
