// Charts that notice which changes did not reach them, and then ask for the whole document.
//
// Only a chart that is drawn takes changes: what the kernel sends before that, or while the connection is broken, is
// lost. So the kernel numbers its patches, and a document says which of them it holds. A chart takes the patch that
// comes next, leaves those that it has, and asks for the document where one is missing. When it is drawn it says so; the
// answer is the number of the last patch, which shows a gap at the end.
window.workbenchChart = (View) => class extends View {
  render() {
    if (this._removed) return
    super.render()
    this._serial = Number(/^\{"serial":(\d+)/.exec(this.model.get("render_bundle"))?.[1] ?? 0)
    this._part = 0
    this._asked = false
    this._report("shown")
  }

  remove() {
    this._removed = true
    return super.remove()
  }

  _consume_patch(content, buffers) {
    const { msg, serial, part } = content
    if (serial === undefined) return super._consume_patch(content, buffers)
    if (this._asked || this._removed) return
    if (msg === "serial") {
      if (serial !== this._serial) this._miss()
      return
    }
    if (serial <= this._serial) return
    if (serial !== this._serial + 1 || part !== this._part) return this._miss()
    try {
      super._consume_patch(content, buffers)
    } catch (error) {
      console.warn("A change could not be drawn, the chart is asked for again:", error)
      return this._miss()
    }
    this._part = (part + 1) % 3
    if (this._part === 0) this._serial = serial
  }

  _miss() {
    this._asked = true
    this._receiver = new this._receiver.constructor() // it may wait for the rest of a patch
    this._report("missed")
  }

  _report(event) {
    const { comm } = this.model // none once the kernel has closed the chart
    if (comm && !comm.jsServicesComm?.isDisposed && !comm.jsServicesComm?._kernel?.isDisposed) this.send({ event })
  }
}
