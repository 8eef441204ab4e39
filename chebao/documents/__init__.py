"""Documents: what a photographed vehicle licence or driving licence says."""
