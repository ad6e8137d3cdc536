"""Serves the page, and classifies the files that are dropped on it."""

from __future__ import annotations

import io
from importlib.resources import files
from typing import Any

import numpy as np
from markdown_it import MarkdownIt
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from components.pages import encode_data_uri, load_templates
from data.plots.contrast import find_contrast_limits
from pipeline.serving.page.description import describe_api
from pipeline.serving.requests import Json, get_service
from pipeline.serving.served_model import CLASS, PROBABILITIES, SCORE, SPECTROGRAMS
from pipeline.serving.uploads import Upload, read_upload

_TYPES = {
    "index.html": "text/html",
    "style.css": "text/css",
    "script.js": "text/javascript",
}


async def show_model(request: Request) -> Response:
    """Return the version that answers, and its card."""
    service = get_service(request)
    model = service.versions.find()
    return Json(
        {
            "name": service.options.model_name,
            "version": str(model.version),
            "versions": [str(each.version) for each in service.versions.loaded],
            "classes": model.classes,
            "height": model.height,
            "width": model.width,
            "card": model.card,
            "has_card_page": bool(model.card_page),
        }
    )


async def show_card(request: Request) -> Response:
    """Return the model card of the version that answers as a page."""
    model = get_service(request).versions.find()
    if not model.card_page:
        raise HTTPException(404, f"Version {model.version} has no model card for people.")
    # This preset shows HTML in the text as text.
    card = Markup(MarkdownIt("js-default").render(model.card_page))  # noqa: S704 # nosec B704
    return _render("card.html", version=model.version, card=card)


async def classify_file(request: Request) -> Response:
    """Classify the spectrograms of an uploaded file, and return pictures of them."""
    service = get_service(request)
    model = service.versions.find()
    name = request.query_params.get("name", "")
    upload = await service.read(request, lambda body: read_upload(body, name, model))
    levels = upload.levels.astype(np.float32) / np.float32(255)
    answers = await service.answer(model, SPECTROGRAMS, levels)
    pictures = await service.run(lambda: _draw(upload))
    spectrograms = [
        {
            "place": upload.places[i],
            "picture": picture,
            "class": answers[CLASS][i].decode(),
            "score": answers[SCORE][i],
            "probabilities": dict(zip(model.classes, answers[PROBABILITIES][i], strict=True)),
        }
        for i, picture in enumerate(pictures)
    ]
    return Json(
        {"version": str(model.version), "notes": upload.notes, "spectrograms": spectrograms}
    )


async def show_openapi(request: Request) -> Response:
    """Return the description of all routes."""
    service = get_service(request)
    return Json(describe_api(service.options.model_name, service.versions.loaded))


async def show_docs(request: Request) -> Response:
    """Return the same as a page."""
    service = get_service(request)
    api = describe_api(service.options.model_name, service.versions.loaded)
    return _render("docs.html", api=api)


def _render(template: str, **values: Any) -> Response:
    page = load_templates(__package__).get_template(template).render(values)
    return Response(page, media_type="text/html")


def _draw(upload: Upload) -> list[str]:
    return [_draw_picture(levels) for levels in upload.levels]


def _draw_picture(levels: NDArray[np.uint8]) -> str:
    """Return a spectrogram, uint8 [height, width], as the data URI of a picture."""
    low, high = find_contrast_limits(levels)
    grey: NDArray[Any] = (levels - low) / max(high - low, 1) * 255
    picture = io.BytesIO()
    Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(picture, "PNG")
    return encode_data_uri(picture.getvalue(), "png")


def _make_static(name: str) -> Any:
    """Return a handler that sends a file of this package, read now."""
    content = files(__package__).joinpath(name).read_bytes()

    async def send_file(_: Request) -> Response:
        return Response(content, media_type=_TYPES[name])

    return send_file


def make_routes() -> list[Route]:
    """Return the routes of the page."""
    return [
        Route("/", _make_static("index.html")),
        Route("/page/style.css", _make_static("style.css")),
        Route("/page/script.js", _make_static("script.js")),
        Route("/page/model", show_model),
        Route("/page/card", show_card),
        Route("/page/classify", classify_file, methods=["POST"]),
        Route("/openapi.json", show_openapi),
        Route("/docs", show_docs),
    ]
