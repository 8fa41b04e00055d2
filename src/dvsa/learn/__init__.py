"""Training with PyTorch. Six wings, each of which imports only the wings before it:

    nets     networks: from pixels, words and features to vectors and logits
    loop     the training loop, with its checkpoints, curves and progress bars
    tasks    what is learned: data, losses and evaluation of each kind of stage
    recipes  whole configurations by name, and their form in JSON
    runs     a recipe trained on data, in a folder
    ship     from a run to a bundle, on disk or in memory

Nothing outside `learn` imports torch.
"""
