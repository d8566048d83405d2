"""Why memory grows: from a dossier to diagnoses, pure from end to end.

`diagnose` is where it begins. Growth of holders is judged in `steady`, blamed on endpoints in
`shares`, named in `causes`; what no holder explains is the business of `remainder`.
"""
