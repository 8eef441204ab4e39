"""Quality: what the assistant got wrong, a reviewer's verdict on it, and the gate before a new model speaks to customers."""
