"""Writes the pickled arrays of these tests with NumPy itself: python make_arrays.py (numpy 2.4.6)."""
import os, pickle
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
numbers = np.arange(6).reshape(2, 3)
good = {
    "f8": numbers.astype("f8"),
    "f4": numbers.astype("f4"),
    "f2": numbers.astype("f2"),
    "i8": numbers.astype("i8") - 3,
    "u1": numbers.astype("u1") + 250,
    "b1": numbers.astype("u1") % 2 == 0,
    "turned": np.asfortranarray(numbers.astype("f4")),
    "view": np.arange(20, dtype="f4")[4:16:2].reshape(2, 3),
    "empty": np.zeros((0, 5), "f4"),
    "single": np.full((), 7.0),
}


class Code:
    def __reduce__(self):
        return (os.system, ("echo never",))


bad = {
    "big-endian": numbers.astype(">f4"),
    "objects": np.array([None, 1], dtype=object),
    "text": np.array(["a"]),
    "matrix": np.matrix([[1.0]]),
    "scalar": np.float32(1),
    "code": Code(),
    "dict": {},
}
for protocol in [2, 4, 5]:
    for name, content in [("arrays", good), ("no-arrays", bad)]:
        with open(os.path.join(here, f"{name}-{protocol}.pickle"), "wb") as file:
            pickle.dump(content, file, protocol)
