// The page's widgets: each has a twin in the kernel, and is what that one is.
//
// All states are asked for when the connection opens, the first time and each time after it broke. Whatever comes before
// the answer is contained in it and left; whatever comes after it waits until all widgets of the answer are there. Then
// messages are taken one after the other, so that a widget which a message names is there or gone for good.

import * as base from "@jupyter-widgets/base"
import { ManagerBase } from "@jupyter-widgets/base-manager"
import * as controls from "@jupyter-widgets/controls"

import * as anywidget from "./anywidget.js"
import * as bokeh from "./bokeh.js"
import { Comm } from "./comm.js"

const CLASSES = {
  "@jupyter-widgets/base": base,
  "@jupyter-widgets/controls": controls,
  "@bokeh/jupyter_bokeh": bokeh,
  anywidget,
}

const TOGETHER = "workbench-together" // whose messages hold others

export class Manager extends ManagerBase {
  constructor() {
    super()
    this._comms = new Map()
    this._line = Promise.resolve()
    this._control = null
    this._resolve = null
    this._synced = false
  }

  // ---- what the connection calls

  // Ask the kernel for the states of all widgets, and take them; resolves when the page is as the kernel is.
  load(kernel) {
    this.kernel = kernel
    this._synced = false
    if (this._resolve) this._request() // it broke before the answer
    else this._line = this._line.then(() => this._load()).catch((error) => console.error(error))
    return this._line
  }

  // Take a message of the kernel's.
  take(message) {
    const { msg_type: type } = message.header
    if (!type.startsWith("comm_") || !(this._synced || this._control)) return
    if (message.content.comm_id === this._control?.comm_id) return this._control.onMessage?.(message)
    if (!this._synced) return
    if (type === "comm_msg" && message.content.comm_id === TOGETHER) return apart(message).forEach((one) => this.take(one))
    this._line = this._line.then(() => this._take(type, message)).catch((error) => console.error(error))
  }

  // ---- what the widget library calls

  async loadClass(name, module) {
    const found = CLASSES[module]?.[name]
    if (!found) throw new Error(`The page's scripts have no ${name} of ${module}.`)
    return found
  }

  get_model(id) {
    return this._models[id] ?? Promise.reject(new Error(`There is no widget ${id}.`))
  }

  async _create_comm(target, id, data, metadata, buffers) {
    const comm = this._comm(id)
    if (data || metadata) comm.open(data, {}, metadata, buffers)
    return comm
  }

  async _get_comm_info() {
    return {}
  }

  // ---- states

  async _load() {
    const models = (await Promise.allSettled(Object.values(this._models))).flatMap(({ value }) => value ?? [])
    models.forEach(release)
    const message = await this._ask()
    const { states, buffer_paths } = message.content.data
    buffer_paths.forEach(([id, ...path], place) => base.put_buffers(states[id], [path], [message.buffers[place]]))
    for (const model of models) if (!(model.model_id in states)) await this._end(model.model_id)
    const each = Object.entries(states).map(([id, state]) => (this.has_model(id) ? this._renew(id, state.state) : this._make(id, state)))
    for (const { reason } of await Promise.allSettled(each)) if (reason) console.error(reason)
  }

  _ask() {
    return new Promise((resolve) => {
      this._resolve = resolve
      this._request()
    })
  }

  _request() {
    const control = (this._control = new Comm(this.kernel, "jupyter.widget.control", base.uuid()))
    control.on_msg((message) => {
      if (message.header.msg_type !== "comm_msg" || message.content.data.method !== "update_states") return
      control.close()
      this._control = null
      this._synced = true
      this._resolve(message)
      this._resolve = null
    })
    control.open({}, {}, { version: "1.0.0" })
    control.send({ method: "request_states" })
  }

  _make(id, { model_name, model_module, model_module_version, state }) {
    return this.new_model({ model_id: id, model_name, model_module, model_module_version, comm: this._comm(id) }, state)
  }

  async _renew(id, state) {
    const model = await this._models[id]
    if (model.isAt?.(state)) delete state.render_bundle
    model.set_state(await model.constructor._deserialize_state(state, this))
  }

  async _take(type, message) {
    const { comm_id: id, target_name: target } = message.content
    if (type === "comm_open" && target === this.comm_target_name) await this.handle_comm_open(this._comm(id), message)
    else if (type === "comm_msg") await this._comms.get(id)?.onMessage?.(message)
    else if (type === "comm_close") await this._end(id, message)
  }

  async _end(id, message) {
    const comm = this._comms.get(id)
    this._comms.delete(id)
    await comm?.onClose?.(message)
  }

  _comm(id) {
    const comm = this._comms.get(id) ?? new Comm(this.kernel, this.comm_target_name, id)
    this._comms.set(id, comm)
    return comm
  }
}

// The messages that one holds: each has its type, content, metadata, and how many of the buffers are its own.
function apart({ content, buffers }) {
  let end = 0
  return content.data.messages.map(([msg_type, content, metadata, count]) => {
    return { header: { msg_type }, content, metadata, buffers: buffers.slice(end, (end += count)) }
  })
}

// A widget sends its next change when the kernel is done with the one before; after a break nobody says so any more.
function release(model) {
  model._pending_msgs = 0
  model._expectedEchoMsgIds.clear()
  if (model._msg_buffer === null) return
  const state = model._msg_buffer
  model._msg_buffer = null
  model.send_sync_message(state, model._msg_buffer_callbacks ?? {})
}
