"""Looking at a server that is registered or tested: asked what it is, its lists read and judged, no tool ever called."""
