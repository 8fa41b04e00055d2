"""From a run to a model that can be used: exported as ONNX, or answered by torch."""
