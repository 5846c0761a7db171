from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from arena.viewers import theme


def test_contrast_of_black_and_white_is_21() -> None:
    assert theme.contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert theme.contrast("#777777", "#FFFFFF") == pytest.approx(4.478, abs=0.001)  # WCAG's well-known failing grey
    assert theme.contrast("#777777", "#777777") == 1.0


@pytest.mark.parametrize(("ink", "ground"), theme.WORDS)
def test_words_can_be_read(ink: str, ground: str) -> None:
    assert theme.contrast(ink, ground) >= 4.5


@pytest.mark.parametrize(("ink", "ground"), theme.GRAPHICS)
def test_shapes_can_be_seen(ink: str, ground: str) -> None:
    assert theme.contrast(ink, ground) >= 3.0


def test_contrast_check_can_fail() -> None:
    assert theme.contrast("#FFFFFF", "sky") < 3.0  # why words on accents are ink


def test_words_on_values_can_be_read() -> None:
    for value in np.linspace(-1, 1, 41):
        fill = theme.diverging(float(value))
        assert theme.contrast(theme.ink_on(fill), fill) >= 4.2
    for share in np.linspace(0, 1, 21):
        fill = theme.cividis(float(share))
        assert theme.contrast(theme.ink_on(fill), fill) >= 4.2


def test_mixing() -> None:
    assert theme.mix("#000000", "#FFFFFF", 0.5) == "#808080"
    assert theme.mix("sky", "orange", 0.0) == theme.TOKENS["sky"]
    assert theme.diverging(0.0) == theme.TOKENS["raised"]
    assert theme.diverging(1.0) == theme.TOKENS["sky"]
    assert theme.diverging(-7.0) == theme.TOKENS["orange"]


def test_cividis_grows_brighter() -> None:
    shades = [theme.luminance(theme.cividis(x)) for x in np.linspace(0, 1, 65)]
    assert all(a < b for a, b in pairwise(shades))
    assert theme.cividis(0.0) == "#00224E"
    assert theme.cividis(1.0) == "#FEE838"


def test_a_wrong_colour_is_named() -> None:
    with pytest.raises(ValueError, match="'skye' is neither"):
        theme.rgb("skye")


# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB.
DEFICIENCIES = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def lab(colour: str, deficiency: str) -> np.ndarray:
    """CIELAB (D65) of a colour as it is seen with a deficiency."""
    encoded = np.array(theme.rgb(colour)) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    linear = np.clip(DEFICIENCIES[deficiency] @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = to_xyz @ linear / np.array([0.9505, 1.0, 1.089])
    f = [c ** (1 / 3) if c > 0.008856 else 7.787 * c + 16 / 116 for c in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def apart(a: str, b: str, deficiency: str) -> float:
    """The CIE 1976 distance of two colours as they are seen."""
    return float(np.linalg.norm(lab(a, deficiency) - lab(b, deficiency)))


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_series_are_told_apart_by_everyone(deficiency: str) -> None:
    assert apart("sky", "orange", deficiency) >= 50  # the two players
    for a, b in combinations(("sky", "orange", "text"), 2):
        assert apart(a, b, deficiency) >= 20, (a, b)


def test_red_and_green_would_not_do() -> None:
    assert apart("#D32F2F", "#6A8F2A", "deutan") < apart("sky", "orange", "deutan") / 2
