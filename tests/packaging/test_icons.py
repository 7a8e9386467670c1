"""The application's icon in every size: what is committed is what packaging/icons.py makes of the two drawings."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops

ROOT = Path(__file__).parent.parent.parent
COMMITTED = ROOT / "resources" / "icons" / "app"
NEAR = 24
"""How far a channel of a pixel may be off: two versions of Qt do not smooth an edge alike."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The icons made just now."""
    folder = tmp_path_factory.mktemp("icons")
    runpy.run_path(str(ROOT / "packaging" / "icons.py"))["make"](folder)
    return folder


def opened(path: Path) -> Iterator[tuple[tuple[int, ...], Image.Image]]:
    """Each picture in a file, with its size (and, in an .icns file, its density)."""
    with Image.open(path) as file:
        sizes = sorted(file.info.get("sizes", [file.size]))
        for size in sizes:
            # By the containers' readers: the pictures themselves are opened at one size only.
            container = None if path.suffix == ".png" else getattr(file, path.suffix[1:])
            picture = container.getimage(size) if container else file
            yield tuple(size), picture.convert("RGBA")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_same_files_are_committed_as_are_made(made: Path):
    assert names(COMMITTED) == names(made)


@pytest.mark.parametrize("name", names(COMMITTED))
def test_a_committed_icon_is_the_one_that_is_made(made: Path, name: str):
    committed, new = dict(opened(COMMITTED / name)), dict(opened(made / name))
    assert list(committed) == list(new)
    for size, picture in committed.items():
        assert picture.size == new[size].size
        difference = ImageChops.difference(picture, new[size])
        assert max(highest for _, highest in difference.getextrema()) <= NEAR, size


@pytest.mark.parametrize("size", [16, 22, 24, 32, 48, 64, 128, 256, 512])
def test_a_png_has_the_size_of_its_name_and_a_transparent_corner(size: int):
    ((_, picture),) = opened(COMMITTED / f"desktop-logs-{size}.png")
    assert picture.size == (size, size)
    assert picture.getpixel((0, 0))[3] < 128
    assert picture.getpixel((size // 2, size // 2))[3] == 255


def test_windows_gets_every_size_that_it_shows():
    sizes = {size for size, _ in opened(COMMITTED / "desktop-logs.ico")}
    assert sizes == {(size, size) for size in (16, 20, 24, 32, 40, 48, 64, 128, 256)}


def test_macos_gets_every_size_from_16_points_at_double_density_to_512():
    sizes = {size for size, _ in opened(COMMITTED / "desktop-logs.icns")}
    double, single = {16, 32, 128, 256, 512}, {128, 256, 512}
    assert sizes == {(size, size, 2) for size in double} | {(size, size, 1) for size in single}


def test_the_icon_stands_out_from_a_light_and_from_a_dark_ground():
    """Along its edges, which are its silhouette."""
    for size, at in ((16, (8, 0)), (24, (12, 0)), (48, (24, 3)), (256, (128, 16)), (256, (17, 128)), (256, (128, 239))):
        ((_, picture),) = opened(COMMITTED / f"desktop-logs-{size}.png")
        edge = luminance(picture.getpixel(at)[:3])
        for ground in ((255, 255, 255), (0x15, 0x17, 0x1C)):
            lighter, darker = sorted((edge, luminance(ground)), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= MIN_CONTRAST, (size, at, ground)


MIN_CONTRAST = 2.5
"""By WCAG 2.2, which asks 3 of a graphic that is needed to understand a page. Beside the icon stands its name."""


def luminance(colour: tuple[int, int, int]) -> float:
    """The relative luminance of WCAG 2.2."""
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
