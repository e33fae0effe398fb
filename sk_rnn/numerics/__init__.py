"""Arrays, products, threads and functions; nothing here knows a network."""
