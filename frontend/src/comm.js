// One end of what a widget's two halves send each other, as the widget library expects it.

export class Comm {
  constructor(kernel, target, id) {
    this._kernel = kernel
    this.target_name = target
    this.comm_id = id
  }

  open(data, callbacks, metadata, buffers) {
    return this._send("comm_open", { target_name: this.target_name, data }, callbacks, metadata, buffers)
  }

  send(data, callbacks, metadata, buffers) {
    return this._send("comm_msg", { data }, callbacks, metadata, buffers)
  }

  close(data = {}, callbacks, metadata, buffers) {
    return this._send("comm_close", { data }, callbacks, metadata, buffers)
  }

  on_msg(callback) {
    this.onMessage = callback
  }

  on_close(callback) {
    this.onClose = callback
  }

  _send(type, content, callbacks, metadata, buffers) {
    const onStatus = callbacks?.iopub?.status
    return this._kernel.send(type, { comm_id: this.comm_id, ...content }, { metadata, buffers, onStatus })
  }
}
