"""Write a chart for the page, without looking at what nobody has set."""

from typing import Any

from bokeh import __version__
from bokeh.core.property.wrappers import PropertyValueContainer
from bokeh.core.serialization import Serializer
from bokeh.embed.elements import div_for_render_item
from bokeh.embed.util import RenderItem
from bokeh.model import Model
from bokeh.models import LayoutDOM
from bokeh.util.serialization import make_globally_unique_css_safe_id, make_globally_unique_id

__all__ = ["render_bundle"]


def render_bundle(layout: LayoutDOM) -> dict[str, Any]:
    """Return the document of a layout and where it is drawn, as `BokehModel.render_bundle` holds it.

    Parameters
    ----------
    layout : bokeh.models.LayoutDOM
        A root of a document that has no classes of data.

    Returns
    -------
    dict of str to object
        `docs_json`, `render_items` and `div`.

    Notes
    -----
    Bokeh's own function writes the same and takes five times as long: it computes the default of every property, some
    thousands for a chart, and leaves them out afterwards. It also looks through all classes of models for classes of
    data; to look at a class is to count a reference to it, and a forked kernel then has its memory for itself.
    """
    number = make_globally_unique_id()
    item = RenderItem(number, roots={layout: make_globally_unique_css_safe_id()})
    writer, document = _Writer(deferred=False), layout.document
    written = {
        "version": __version__,
        "title": document.title,
        "config": writer.encode(document.config),
        "roots": writer.encode(document.roots),
    }
    callbacks = document.callbacks.js_event_callbacks
    if callbacks:
        written["callbacks"] = writer.encode(callbacks)
    document.models.flush_synced()
    return {"docs_json": {number: written}, "render_items": [item.to_json()], "div": div_for_render_item(item)}


class _Writer(Serializer):  # type: ignore[misc]
    """Writes of each model what has been set."""

    def _encode(self, obj: Any) -> Any:
        return self._encode_model(obj) if isinstance(obj, Model) else super()._encode(obj)

    def _encode_model(self, model: Model) -> dict[str, Any]:
        self.add_ref(model, model.ref)
        attributes = {name: self.encode(value) for name, value in _set_values(model).items()}
        written = {"type": "object", "name": model.__qualified_model__, "id": model.id}
        return {**written, "attributes": attributes} if attributes else written


def _set_values(model: Model) -> dict[str, Any]:
    """Return what `Model.properties_with_values(include_defaults=False)` does, in the same order."""
    made, themed = model._unstable_default_values, model.themed_values() or {}
    chosen = model._property_values.keys() | made.keys() | themed.keys()
    values = {}
    for name in model.properties(_with_props=True):
        if name not in chosen:
            continue
        descriptor = model.lookup(name)
        if descriptor.serialized:
            value = descriptor.get_value(model)
            if name in themed or name not in made or not isinstance(value, PropertyValueContainer):
                values[name] = value
    return values
