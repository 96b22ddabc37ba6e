"""An embedded Discord on loopback, to which the unmodified bot connects by real HTTP and WebSocket."""
