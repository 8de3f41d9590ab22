"""What both trainings do alike as they go on; the same as in the nodes (src/training)."""
import math


def learning_rate(highest, warm_up, step, done):
    """Rises in a line during the warm-up, then falls as half a cosine to a hundredth where the part `done` of the training is 1."""
    return highest * min(1, (step + 1) / warm_up) * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * done)))


def kept(average, step):
    """How much of the weights' average stays after `step` steps: less at first, so that the beginning is forgotten soon."""
    return min(average, (step + 1) / (step + 10))
