"""The networks: backbone, regions, words, captioners."""
