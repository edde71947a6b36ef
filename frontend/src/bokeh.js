// Charts: a widget holds a Bokeh document, which is drawn wherever the widget is shown.
//
// The kernel numbers its patches, and the text of a document says which of them it holds. A patch that is in the document
// already is left; where one is missing, or cannot be applied, the document is asked for anew.

import { DOMWidgetModel, DOMWidgetView } from "@jupyter-widgets/base"

const MODULE = "@bokeh/jupyter_bokeh"
const PARTS = 3 // of a patch: header, metadata, content

const from = (name) => window.Bokeh.require(name)
const serialOf = (bundle) => Number(/^\{"serial":(\d+)/.exec(bundle)?.[1] ?? 0)

export class BokehModel extends DOMWidgetModel {
  defaults() {
    const names = { _model_name: "BokehModel", _model_module: MODULE, _view_name: "BokehView", _view_module: MODULE }
    return { ...super.defaults(), ...names, render_bundle: "" }
  }

  initialize(attributes, options) {
    super.initialize(attributes, options)
    this._begin()
    this.on("change:render_bundle", () => {
      this._begin()
      this.trigger("document")
    })
    this.on("msg:custom", (content) => this._take(content))
  }

  // Return whether the document is the one of a state of the kernel's.
  isAt(state) {
    return !this._asked && serialOf(state.render_bundle) === this._serial
  }

  // The document, made when it is first needed.
  get document() {
    if (!this._document) {
      const bundle = JSON.parse(this.get("render_bundle"))
      this._document = from("document").Document.from_json(Object.values(bundle.docs_json)[0])
      this._document.on_change((event) => event.document === this._document && this._tell(event))
    }
    return this._document
  }

  close(closed) {
    this._begin()
    return super.close(closed)
  }

  _begin() {
    const { _document: before } = this
    this._document = null
    before?.clear()
    this._serial = serialOf(this.get("render_bundle"))
    this._restart()
    this._asked = false
    this._held = null
  }

  _restart() {
    this._part = 0
    this._receiver = new (from("protocol/receiver").Receiver)()
  }

  _take({ msg, serial, part, payload }) {
    if (msg !== "patch" || this._asked || serial <= this._serial) return
    if (serial !== this._serial + 1 || part !== this._part) return this._ask()
    this._part += 1
    try {
      this._receiver.consume(payload)
      if (this._part === PARTS) this._apply(this._receiver.message)
    } catch (error) {
      console.warn("A change could not be drawn, the chart is asked for again:", error)
      return this._ask()
    }
    if (this._part < PARTS) return
    this._serial = serial
    this._restart()
  }

  _apply({ content, buffers }) {
    const held = (this._held = [])
    try {
      this.document.apply_json_patch(content, buffers)
    } finally {
      this._held = null
      held.forEach((event) => this._tell(event))
    }
  }

  _ask() {
    this._asked = true
    this._restart()
    this.send({ event: "missed" })
  }

  // Tell the kernel of a change that was made here; `sync` is false for what the kernel has sent
  _tell(event) {
    if (!event.sync) return
    if (this._held) return this._held.push(event)
    const references = new Map([...event.document._all_models.values()].map((model) => [model, model.ref()]))
    const serializer = new (from("core/serialization").Serializer)({ references })
    this.send({ ...serializer.encode(event), event: "jsevent" })
  }
}

const NARROW = 420 // pixels of a chart in which symbols stand without their words

// Names at the ends of lines need pixels, and words beside symbols room: what that is of the time shown depends on the width.
function fit({ model, frame }) {
  const { x_range: range } = model, { width } = frame.bbox
  for (const renderer of model.renderers) {
    const isWord = renderer.name === "words" && renderer.data_source?.name === "anomalies"
    if (isWord) renderer.setv({ visible: width > NARROW }, { sync: false })
  }
  const [, last, pixels] = range.tags.find((tag) => tag[0] === "names") ?? []
  const isWhole = range.roomOf !== last || [range.end, range.reset_end].includes(range.roomEnd) || range.end === range.reset_end
  if (!pixels || width < 2 * pixels || !isWhole) return
  range.roomOf = last
  range.roomEnd = last + ((last - range.start) * pixels) / (width - pixels)
  range.setv({ end: range.roomEnd }, { sync: false })
}

function fitAlways() {
  const { PlotView } = from("models/plots/plot")
  const layOut = PlotView.prototype._after_layout
  PlotView.prototype._after_layout = function () {
    layOut.call(this)
    if (!this.isFitted) this.connect(this.model.x_range.change, () => fit(this))
    this.isFitted = true
    fit(this)
  }
}

// A finger that moves up or down scrolls the page, one that moves sideways pans the chart, and two zoom it.
function takeTouch() {
  from("models/plots/plot").PlotView.prototype._update_touch_action = function () {
    this.canvas.touch_action.replace(".bk-events { touch-action: pan-y; }")
  }
  addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch") return
    const path = event.composedPath()
    for (const { model } of window.Bokeh.index.query((view) => view.model.toolbar && path.includes(view.el))) {
      for (const tool of model.toolbar.tools) if (/^(?:Pan|WheelZoom)Tool$/.test(tool.type)) tool.active = true
    }
  }, true)
}
let isBegun = false

export class BokehView extends DOMWidgetView {
  initialize(parameters) {
    super.initialize(parameters)
    this.listenTo(this.model, "document", () => this.render())
  }

  render() {
    if (!isBegun) [takeTouch, fitAlways].forEach((begin) => begin())
    isBegun = true
    this._clear()
    const { document } = this.model
    const { div, render_items } = JSON.parse(this.model.get("render_bundle"))
    this.el.innerHTML = div
    const element = this.el.firstElementChild
    const roots = Object.fromEntries(render_items.flatMap((item) => Object.keys(item.roots)).map((id) => [id, element]))
    this._drawn = from("embed/standalone").add_document_standalone(document, element, roots)
  }

  remove() {
    this._clear()
    return super.remove()
  }

  _clear() {
    this._drawn?.then((views) => views.clear())
    this._drawn = null
  }
}
