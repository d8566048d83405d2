"""Diagnoses why memory grows: evidence in, diagnoses out, without side effects.

`diagnose.diagnose` names the stages. Three packages answer questions of one kind each:
`source_analysis` reads the application's sources, `growth` measures memory and counted holders,
and `heap`, on top of `growth`, reads walks of the heap. None of them makes a diagnosis; the modules
beside them do.
"""
