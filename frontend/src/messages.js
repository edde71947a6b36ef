// Messages of Jupyter in their binary form, as
// https://jupyter-server.readthedocs.io/en/latest/developers/websocket-protocols.html defines it.

export const PROTOCOL = "v1.kernel.websocket.jupyter.org"

const PARTS = ["header", "parent_header", "metadata", "content"]
const encoder = new TextEncoder()
const decoder = new TextDecoder()

function bytes(buffer) {
  return ArrayBuffer.isView(buffer) ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength) : new Uint8Array(buffer)
}

// Return a message as the bytes of a frame.
export function pack(message) {
  const segments = [
    encoder.encode(message.channel),
    ...PARTS.map((part) => encoder.encode(JSON.stringify(message[part]))),
    ...message.buffers.map(bytes),
  ]
  const first = 8 * (segments.length + 2)
  const frame = new Uint8Array(segments.reduce((length, segment) => length + segment.length, first))
  const view = new DataView(frame.buffer)
  view.setBigUint64(0, BigInt(segments.length + 1), true)
  let offset = first
  segments.forEach((segment, place) => {
    view.setBigUint64(8 * (place + 1), BigInt(offset), true)
    frame.set(segment, offset)
    offset += segment.length
  })
  view.setBigUint64(8 * (segments.length + 1), BigInt(offset), true)
  return frame
}

// Return the message of a frame; its parts are parsed when they are first looked at, as many never are.
export function unpack(frame) {
  const view = new DataView(frame)
  const count = Number(view.getBigUint64(0, true))
  const offsets = Array.from({ length: count }, (_, place) => Number(view.getBigUint64(8 * (place + 1), true)))
  const segment = (place) => new DataView(frame, offsets[place], offsets[place + 1] - offsets[place])
  const message = { channel: decoder.decode(segment(0)) }
  PARTS.forEach((part, place) => {
    Object.defineProperty(message, part, {
      configurable: true,
      get() {
        const value = JSON.parse(decoder.decode(segment(place + 1)))
        Object.defineProperty(message, part, { value })
        return value
      },
    })
  })
  message.buffers = offsets.slice(5, -1).map((_, place) => segment(place + 5))
  return message
}
