"""What plays outside of this process: programs over pipes, engines by GTP and UCI, agents over HTTP (see README.md)."""
