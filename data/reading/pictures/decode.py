"""Decodes one picture to the grey levels of a spectrogram."""

from __future__ import annotations

import io
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from threading import BoundedSemaphore

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from data.invalid import InvalidData, escape
from data.reading.layout import Layout
from data.reading.pictures.colour_map import invert_colour_map

MOST_PIXELS = 1 << 24
"""Size of the largest picture, by its header. Decoding takes some 12 bytes for each pixel."""

MOST_BYTES = 4 * MOST_PIXELS
"""Size of the largest file: not compressed, with four channels."""

# However many threads decode, few do so with large pictures: files of a few kilobytes can be such.
_LARGE_PIXELS = 1 << 21
_DECODING_LARGE = BoundedSemaphore(2)

# Pillow warns of tags that it leaves out, such as those of EXIF, without the name of the file.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

# The formats are told apart by their first bytes, whatever the names of the files say. No other
# decoder of Pillow is reached.
_FORMATS: tuple[tuple[bytes, type[ImageFile]], ...] = (
    (b"\x89PNG\r\n\x1a\n", PngImageFile),
    (b"\xff\xd8\xff", JpegImageFile),
    (b"BM", BmpImageFile),
    (b"II*\0", TiffImageFile),
    (b"MM\0*", TiffImageFile),
)

# Others of TIFF reserve as much memory as the file demands, or are those of other formats.
_TIFF_COMPRESSIONS = {"raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate"}

# Every scan of a progressive JPEG passes over the whole picture. Encoders write ten or so.
_SCAN = b"\xff\xda"
_MOST_SCANS = 200

_GREY = {"1", "L", "LA", "La"}
_GREY_16_BITS = {"I;16", "I;16B", "I;16L", "I;16N"}
_COLOUR = {"P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"}

# Channels of a grey picture that was saved as a JPEG in colour differ by no more.
_GREY_TOLERANCE = 8

# Mean distance of colours from a colour map. JPEG's compression moves them by some 10; colours of
# another map are 50 and more away.
_FARTHEST_COLOURS = 32


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
      levels: uint8 [pixels], row-major.
      is_resized: whether it had another size.
      is_colour_as_luma: whether it is in colour, of which only the luma was taken.
    """

    levels: NDArray[np.uint8]
    is_resized: bool
    is_colour_as_luma: bool


def decode_picture(content: bytes, layout: Layout) -> Picture:
    """Decode a picture as grey levels of the layout's height and width.

    Transparency and the orientation in EXIF data are ignored. 16 bits are rounded to 8.

    Args:
      content: of the file.
      layout: what the picture should look like.

    Raises:
      InvalidData: it cannot be decoded, or is not to be. The message is a sentence about "the
        picture".
    """
    try:
        image = _open(content)
        size = (image.height, image.width)
        is_resized = size != (layout.height, layout.width)
        if is_resized and not layout.resize:
            raise InvalidData(
                f"the picture has {_name_size(*size)} pixels where "
                f"{_name_size(layout.height, layout.width)} are expected. Set height and width to "
                "the size of your pictures, or have them resized: leave out --no-resize."
            )
        is_large = image.width * image.height > _LARGE_PIXELS
        with _DECODING_LARGE if is_large else nullcontext():
            _refuse_more_pages(image)
            image.load()
            grey, is_colour_as_luma = _convert_to_grey(image, layout.colour_map)
            if is_resized:
                shape = layout.width, layout.height
                grey = grey.resize(shape, Image.Resampling.LANCZOS, reducing_gap=3)
    except (InvalidData, MemoryError):
        raise
    except Exception as error:  # Pillow raises many kinds for damaged files
        raise InvalidData(
            f"the picture is damaged or cut off: {escape(str(error) or repr(error))}. "
            "Copy or write it again."
        ) from None
    return Picture(_round(grey), is_resized, is_colour_as_luma)


def _open(content: bytes) -> ImageFile:
    """Read the header of a picture.

    Raises:
      InvalidData: of another format, or too large.
    """
    if len(content) > MOST_BYTES:
        raise InvalidData(
            f"the picture is a file of more than {MOST_BYTES:,} bytes. Save a smaller one."
        )
    if not content:
        raise InvalidData("the picture is an empty file. Copy or write it again.")
    decoder = next((kind for start, kind in _FORMATS if content.startswith(start)), None)
    if decoder is None:
        raise InvalidData(
            "the picture is not PNG, JPEG, BMP or TIFF, whatever its name says: it begins with "
            f"{content[:4].hex(' ')}. Save it as PNG."
        )
    image = decoder(io.BytesIO(content))
    if image.width * image.height > MOST_PIXELS:
        raise InvalidData(
            f"the picture has {_name_size(image.height, image.width)} pixels by its header, more "
            f"than {MOST_PIXELS:,} in all. Save it in a smaller size."
        )
    if decoder is JpegImageFile and content.count(_SCAN) > _MOST_SCANS:
        raise InvalidData(
            f"the picture is a JPEG of more than {_MOST_SCANS} scans. Save it as PNG."
        )
    if decoder is TiffImageFile and image.info.get("compression") not in _TIFF_COMPRESSIONS:
        raise InvalidData(
            "the picture is a TIFF that is not compressed by LZW, Deflate or PackBits. "
            "Save it as PNG."
        )
    return image


def _refuse_more_pages(image: ImageFile) -> None:
    try:
        image.seek(1)  # which may decode the first page
    except EOFError:
        return
    raise InvalidData("the picture has several pages or frames. Save each as a file of its own.")


def _convert_to_grey(image: Image.Image, colour_map: str) -> tuple[Image.Image, bool]:
    """Return grey levels, 8 bits or floating-point, and whether they are the luma of colours."""
    image.info.pop("transparency", None)  # which Pillow would warn of and keep
    if image.mode in _GREY_16_BITS:
        return Image.fromarray(np.asarray(image).astype(np.float32) / 257), False  # 65535 / 255
    if image.mode in _GREY:
        return image if image.mode == "L" else image.convert("L"), False
    if image.mode not in _COLOUR:
        raise InvalidData(
            f"the picture has pixels of the kind {image.mode}, which is neither grey of 8 or 16 "
            "bits nor a colour. Save it as grey or RGB."
        )
    image = image.convert("RGB")
    colours = np.asarray(image)
    if not _is_colour(colours, 0 if colour_map else _GREY_TOLERANCE):
        return image.convert("L"), False
    if not colour_map:
        return image.convert("L"), True
    values, distances = invert_colour_map(colours, colour_map)
    if distances.mean() > _FARTHEST_COLOURS:
        raise InvalidData(
            f"the picture is not drawn with the colour map {colour_map}: its colours are "
            f"{distances.mean():.0f} of 255 away from it on average. Set input.colour_map to the "
            "map that it was drawn with."
        )
    return Image.fromarray(values), False


def _is_colour(colours: NDArray[np.uint8], tolerance: int) -> bool:
    red, green, blue = (colours[..., channel] for channel in range(3))
    if tolerance == 0:
        return bool((red != green).any() or (green != blue).any())
    spread = colours.max(axis=-1) - colours.min(axis=-1)
    return bool((spread > tolerance).any())


def _round(grey: Image.Image) -> NDArray[np.uint8]:
    levels = np.asarray(grey).reshape(-1)
    if levels.dtype == np.uint8:
        return levels
    # Resizing overshoots at edges.
    rounded: NDArray[np.uint8] = np.rint(levels).clip(0, 255).astype(np.uint8)
    return rounded


def _name_size(height: int, width: int) -> str:
    return f"{height:,} x {width:,}"
