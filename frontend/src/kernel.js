// The page's connection to its kernel: one websocket, opened again under the same session when it breaks.

import { PROTOCOL, pack, unpack } from "./messages.js"

const LONGEST_WAIT_MS = 4000

export class Kernel {
  // `onOpen` is called at each opening, `onMessage` with each message of the kernel's that is told to all
  constructor(address, { onOpen, onMessage }) {
    this._session = crypto.randomUUID?.() ?? String(Math.random()).slice(2) // only a page from a safe origin has the first
    this._address = `${address}?session_id=${this._session}`
    this._onOpen = onOpen
    this._onMessage = onMessage
    this._sent = 0
    this._unsent = []
    this._waiting = new Map() // by the message's number: who is told when the kernel is done with it
    this._attempts = 0
    this._open()
  }

  // Send a request; what is sent while there is no connection waits for it. Returns the message's number.
  send(type, content, { metadata = {}, buffers = [], onStatus } = {}) {
    const msg_id = `${this._session}_${++this._sent}`
    const header = { msg_id, msg_type: type, session: this._session, username: "", version: "5.3", date: new Date().toISOString() }
    const frame = pack({ channel: "shell", header, parent_header: {}, metadata, content, buffers })
    if (onStatus) this._waiting.set(msg_id, onStatus)
    if (this._socket.readyState === WebSocket.OPEN) this._socket.send(frame)
    else this._unsent.push(frame)
    return msg_id
  }

  // Connect no more.
  close() {
    this._closed = true
    clearTimeout(this._next)
    this._socket.close()
  }

  _open() {
    this._socket = new WebSocket(this._address, [PROTOCOL])
    this._socket.binaryType = "arraybuffer"
    this._socket.onopen = () => {
      this._attempts = 0
      this._waiting.clear() // the answers may be lost
      for (const frame of this._unsent.splice(0)) this._socket.send(frame)
      this._onOpen()
    }
    this._socket.onmessage = ({ data }) => this._receive(unpack(data))
    this._socket.onclose = () => {
      if (this._closed) return
      this._next = setTimeout(() => this._open(), Math.min(250 * 2 ** this._attempts++, LONGEST_WAIT_MS))
    }
  }

  _receive(message) {
    if (message.channel !== "iopub") return
    if (message.header.msg_type !== "status") return this._onMessage(message)
    const number = message.parent_header.msg_id
    this._waiting.get(number)?.(message)
    if (message.content.execution_state === "idle") this._waiting.delete(number)
  }
}
