"""How the process itself is: its event loop, memory, files and sockets."""
