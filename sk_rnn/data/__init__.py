"""What users hand over, as checked arrays, and as packed steps for the layers."""
