// Widgets that bring a script of their own, whose `render` fills an element: https://anywidget.dev/en/afm/

import { DOMWidgetModel, DOMWidgetView } from "@jupyter-widgets/base"

const MODULE = "anywidget"
const scripts = new Map() // by their text, as many widgets have the same

export class AnyModel extends DOMWidgetModel {
  defaults() {
    return { ...super.defaults(), _model_name: "AnyModel", _model_module: MODULE, _view_name: "AnyView", _view_module: MODULE }
  }
}

export class AnyView extends DOMWidgetView {
  async render() {
    const { render } = (await load(this.model.get("_esm"))).default
    this._end = await render({ model: this._half(), el: this.el })
  }

  remove() {
    this._end?.()
    return super.remove()
  }

  // What the script may do with the model; it hears no more of it once the view is gone.
  _half() {
    const { model } = this
    return {
      get: (name) => model.get(name),
      set: (name, value) => model.set(name, value),
      save_changes: () => model.save_changes(),
      send: (content, callbacks, buffers) => model.send(content, callbacks, buffers),
      on: (names, callback) => this.listenTo(model, names, callback),
    }
  }
}

function load(text) {
  if (!scripts.has(text)) {
    const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }))
    scripts.set(text, import(address).finally(() => URL.revokeObjectURL(address)))
  }
  return scripts.get(text)
}
