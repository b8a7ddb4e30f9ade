"""What GitHub's deliveries lead to: one module for each kind of happening, and the table that says which."""
