"""Our games under other projects' interfaces."""
