"""An icon beside the clock. `model.py` knows what it shows and does, and no screen; `drawing.py` draws it."""
