"""What tests share."""

from pathlib import Path

import numpy as np
import pytest

import pidinet
import synthetic

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def detector() -> pidinet.EdgeDetector:
    return pidinet.EdgeDetector("tiny")


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """uint8 `[90, 121, 3]`, odd on purpose."""
    return synthetic.image(90, 121)


@pytest.fixture(scope="session")
def edges(detector, photo) -> np.ndarray:
    return detector(photo)
