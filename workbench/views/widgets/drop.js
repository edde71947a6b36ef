// A place on which a file is dropped, or chosen by click or key; it is sent in parts, and not at all where it is too large.
const PART = 4 * 2 ** 20

function render({ model, el }) {
  el.classList.add("wb-drop-body")
  const zone = document.createElement("label")
  const input = document.createElement("input")
  const words = document.createElement("span")
  const state = document.createElement("span")
  zone.className = "wb-drop-zone"
  input.type = "file"
  state.className = "wb-muted"
  state.setAttribute("role", "status")
  zone.append(input, words, state)
  el.append(zone)

  function describe() {
    words.textContent = model.get("words")
    input.setAttribute("aria-label", model.get("label"))
  }

  async function take(file) {
    if (!file) return
    if (file.size > model.get("limit")) {
      state.textContent = ""
      model.send({ kind: "too large", name: file.name, size: file.size })
      return
    }
    let start = 0
    do {
      const part = await file.slice(start, start + PART).arrayBuffer()
      state.textContent = `sending ${file.name}`
      model.send({ kind: "part", name: file.name, size: file.size, start }, undefined, [new DataView(part)])
      start += PART
    } while (start < file.size)
    state.textContent = file.name
  }

  input.addEventListener("change", () => { take(input.files[0]); input.value = "" })
  for (const kind of ["dragenter", "dragover"]) zone.addEventListener(kind, (event) => { event.preventDefault(); zone.classList.add("wb-over") })
  for (const kind of ["dragleave", "drop"]) zone.addEventListener(kind, (event) => { event.preventDefault(); zone.classList.remove("wb-over") })
  zone.addEventListener("drop", (event) => take(event.dataTransfer.files[0]))
  model.on("change:words change:label", describe)
  describe()
}

export default { render }
