"""Learning rate and average of the weights of both trainings, equal to the nodes (nodes/gpstoken/src/training)."""
import math


def learning_rate(highest, warm_up, step, done):
    """Rises in a line during the warm-up, then falls as half a cosine to a hundredth. `done` is the part of the training that is over, 0..1."""
    return highest * min(1, (step + 1) / warm_up) * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * done)))


def kept(average, step):
    """The part of the weights' average that stays in step `step`: less at first, to forget the beginning soon."""
    return min(average, (step + 1) / (step + 10))
