"""What jobkit costs, measured. `make bench` prints the figures."""
