"""Load, redelivery, kills and damaged bodies against the pushed channels; ``make soak`` runs it in full."""
