"""What a user wants hidden beside credentials: addresses, headers and bodies, by rule."""
