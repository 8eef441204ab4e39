"""How well the assistant understands: ``make eval FILE=…`` runs the trained assistant over labelled messages.

`lines` reads them, `assistant` asks the trained model and the actions, `figures` counts, `report` writes what a person reads.
"""
