// HTML from Python whose parts are picked, marked, sorted and dragged; the rules are in grid.py.
function render({ model, el }) {
  el.classList.add("wb-grid-body")
  const all = (selector) => [...el.querySelectorAll(selector)]
  const tell = (kind, value) => model.send({ kind, value })
  let asked = false
  let waiting = 0
  let seen = "" // what was chosen when it was last brought into view
  const orders = new Map() // of each table, the column by which the reader has sorted it here, and the direction

  const inTable = (item) => item.tagName === "TR"
  const items = (item) => (inTable(item) ? [...item.parentElement.children].filter((row) => row.dataset.pick !== undefined) : all("[data-pick]").filter((other) => !inTable(other)))

  function describe() {
    const chosen = model.get("chosen")
    const label = model.get("label")
    for (const table of all("table")) {
      if (table.querySelector("[data-pick]")) table.setAttribute("role", table.querySelector("[aria-expanded]") ? "treegrid" : "grid")
      table.setAttribute("aria-label", label)
    }
    let reachable = false
    for (const item of all("[data-pick]")) {
      const on = item.dataset.pick === chosen
      item.classList.toggle("wb-chosen", on)
      if (inTable(item)) item.setAttribute("aria-selected", String(on))
      else if (item.tagName !== "BUTTON") item.setAttribute("role", "button")
      if (!inTable(item)) on ? item.setAttribute("aria-current", "true") : item.removeAttribute("aria-current")
      item.tabIndex = on && !reachable ? 0 : -1
      reachable ||= on
    }
    const first = el.querySelector("[data-pick]")
    if (!reachable && first) first.tabIndex = 0
    const marked = new Set(model.get("marked"))
    for (const tick of all("[data-mark]")) tick.checked = marked.has(tick.dataset.mark)
    for (const item of all("[data-drag]")) item.draggable = true
  }

  function draw() {
    const held = el.contains(document.activeElement) ? document.activeElement : null
    const name = held?.closest("[data-pick]")?.dataset.pick
    const sort = held?.dataset.sort
    const places = [el, ...all("[data-scroll]")].map((part) => [part.scrollTop, part.scrollLeft])
    el.innerHTML = model.get("html")
    asked = false
    all("table").forEach((table, place) => { if (orders.has(place)) arrange(table, orders.get(place)) })
    describe()
    ;[el, ...all("[data-scroll]")].forEach((part, i) => { if (places[i]) [part.scrollTop, part.scrollLeft] = places[i] })
    if (name !== undefined) (el.querySelector(`[data-pick="${CSS.escape(name)}"]`) ?? el.querySelector("[data-pick]"))?.focus({ preventScroll: true })
    else if (sort !== undefined) el.querySelector(`[data-sort="${CSS.escape(sort)}"]`)?.focus({ preventScroll: true })
    if (model.get("chosen") !== seen) bringIntoView()
  }

  function show() {
    describe()
    bringIntoView()
  }

  // What a link has chosen may come before its row does, or before the grid is laid out: it is brought into view once.
  function bringIntoView() {
    const chosen = el.querySelector(".wb-chosen")
    const box = chosen?.getBoundingClientRect()
    const frame = el.getBoundingClientRect()
    if (!box || !frame.height) return
    seen = model.get("chosen")
    if (box.top < frame.top + 26 || box.bottom > frame.bottom) chosen.scrollIntoView({ block: "nearest" })
  }
  const laidOut = new ResizeObserver(() => { if (model.get("chosen") !== seen) bringIntoView() })
  laidOut.observe(el)

  // A table that is here as a whole is sorted here, by what its cells show.
  const ranks = ["info", "low", "medium", "high", "critical"]
  const seconds = { s: 1, min: 60, h: 3600, d: 86400, days: 86400 }
  function rank(cell) {
    const text = cell?.textContent.trim() ?? ""
    const stamp = cell?.querySelector("[title]")?.title.match(/^(?:since |due )?(\d{4}-\d\d-\d\d.*)/)?.[1]
    if (stamp) return stamp
    const level = ranks.indexOf(text.replace(/^[^a-z]+/i, "").toLowerCase())
    if (level >= 0) return level
    const [, number, unit] = text.match(/^[^\p{L}\d.-]*(-?[\d,]*\.?\d+(?:e[+-]?\d+)?)\s*(\S*)$/iu) ?? []
    return number === undefined ? text : Number(number.replaceAll(",", "")) * (seconds[unit] ?? 1)
  }
  function compare(one, other) {
    if (typeof one === "number" && typeof other === "number") return one - other
    if (one === "" || other === "") return (one === "") - (other === "")
    return String(one).localeCompare(String(other), undefined, { numeric: true })
  }
  function arrange(table, { column, down }) {
    const body = table.tBodies[0]
    const isNumber = table.tHead.rows[0].cells[column].classList.contains("wb-number")
    const isWord = (cell) => isNumber && !/\d/.test(cell?.textContent ?? "") // as "limit" among scores: it comes last
    const rows = [...body.rows].map((row) => [isWord(row.cells[column]) ? "" : rank(row.cells[column]), row])
    rows.sort(([one], [other]) => (one === "" || other === "" ? compare(one, other) : down ? compare(other, one) : compare(one, other)))
    body.append(...rows.map(([, row]) => row))
    ;[...table.tHead.rows[0].cells].forEach((head, place) => {
      const arrow = head.querySelector("[data-here] i")
      if (arrow) arrow.textContent = place === column ? (down ? "▾" : "▴") : ""
      if (place === column) head.setAttribute("aria-sort", down ? "descending" : "ascending")
      else head.removeAttribute("aria-sort")
    })
  }
  function sortHere(button) {
    const table = button.closest("table")
    const column = button.closest("th").cellIndex
    const place = all("table").indexOf(table)
    const before = orders.get(place)
    const isNumber = button.closest("th").classList.contains("wb-number")
    const down = before?.column === column ? !before.down : isNumber
    orders.set(place, { column, down })
    arrange(table, orders.get(place))
  }

  function pick(item, late) {
    clearTimeout(waiting)
    for (const other of all(".wb-chosen")) other.classList.remove("wb-chosen")
    item.classList.add("wb-chosen")
    const value = item.dataset.pick
    const send = () => { model.set("chosen", value); tell("pick", value) } // set here too: an older answer does not take it back
    if (late) waiting = setTimeout(send, 60)
    else send()
  }

  function click(event) {
    const sort = event.target.closest("[data-sort]")
    if (sort) return tell("sort", sort.dataset.sort)
    const here = event.target.closest("[data-here]")
    if (here) return sortHere(here)
    const opener = event.target.closest("[data-open]")
    if (opener) {
      opener.closest("[data-pick]")?.focus({ preventScroll: true })
      return tell("open", opener.dataset.open)
    }
    if (event.target.closest("[data-mark], a, summary, .wb-tick")) return
    const item = event.target.closest("[data-pick]")
    if (item) {
      item.focus({ preventScroll: true })
      pick(item, false)
    }
  }

  function change(event) {
    const tick = event.target.closest("[data-mark]")
    if (!tick) return
    const others = model.get("marked").filter((name) => name !== tick.dataset.mark)
    const marked = tick.checked ? [...others, tick.dataset.mark] : others
    model.set("marked", marked)
    model.save_changes()
  }

  // where a thing may go: everywhere, or where its data-onto says; other places are drawn so while it has the focus or is dragged
  const accepts = (item, place) => item?.dataset.onto === undefined || item.dataset.onto.split("|").includes(place.dataset.drop)
  const refuse = (item) => all("[data-drop]").forEach((place) => place.classList.toggle("wb-refused", Boolean(item) && !place.contains(item) && !accepts(item, place)))
  function carry(item, forward) {
    const places = all("[data-drop]")
    const from = places.findIndex((place) => place.contains(item))
    const beyond = forward ? places.slice(from + 1) : places.slice(0, from).reverse()
    const place = beyond.find((other) => accepts(item, other))
    if (place) tell("drop", `${item.dataset.drag}\t${place.dataset.drop}`)
  }

  const ends = { Home: 0, End: -1 }
  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const item = event.target.closest?.("[data-pick]")
    if (!item || event.target.matches("input:not([type=checkbox]), select, textarea")) return
    const list = items(item)
    const at = list.indexOf(item)
    const table = inTable(item)
    const steps = table ? { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12 } : { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }
    let next = null
    const turns = { ArrowRight: "false", ArrowLeft: "true" }[event.key] // opens a row that is closed, closes one that is open
    if (turns && !event.shiftKey && item.getAttribute("aria-expanded") === turns) tell("open", item.dataset.pick)
    else if (event.shiftKey && item.dataset.drag !== undefined && ["ArrowLeft", "ArrowRight"].includes(event.key)) carry(item, event.key === "ArrowRight")
    else if (event.key in steps) next = list[Math.max(0, Math.min(list.length - 1, at + steps[event.key]))]
    else if (event.key in ends) next = list.at(ends[event.key])
    else if (event.key === "Enter" || (event.key === " " && item.tagName !== "BUTTON")) {
      if (event.key === "Enter" && table) { pick(item, false); tell("open", item.dataset.pick) }
      else pick(item, false)
    } else if (event.key.toLowerCase() === "x" && item.querySelector("[data-mark]")) {
      item.querySelector("[data-mark]").click()
    } else return
    event.preventDefault()
    event.stopPropagation()
    if (next && next !== item) {
      item.tabIndex = -1
      next.tabIndex = 0
      next.focus()
      if (table) pick(next, true)
    }
  }

  function scroll() {
    if (!asked && el.querySelector(".wb-more") && el.scrollHeight - el.scrollTop - el.clientHeight < 200) {
      asked = true
      tell("more", "")
    }
  }

  let dragged = null
  let outdated = false // what has changed is drawn when nothing is dragged: an element that is taken away ends no drag
  const redraw = () => { if (dragged) outdated = true; else draw() }
  const letGo = () => { dragged = null; light(null); refuse(null); if (outdated) { outdated = false; draw() } }
  const target = (event) => { const place = event.target.closest?.("[data-drop]"); return place && accepts(dragged, place) ? place : null }
  const light = (element) => all(".wb-over").forEach((other) => other !== element && other.classList.remove("wb-over"))
  el.addEventListener("dragstart", (event) => {
    const item = event.target.closest?.("[data-drag]")
    if (!item) return
    dragged = item
    refuse(item)
    event.dataTransfer.setData("text/plain", item.dataset.drag)
  })
  el.addEventListener("dragover", (event) => {
    const onto = target(event)
    light(onto)
    if (onto) { event.preventDefault(); onto.classList.add("wb-over") }
  })
  el.addEventListener("dragend", letGo)
  el.addEventListener("focusin", (event) => refuse(event.target.closest("[data-drag]")))
  el.addEventListener("focusout", () => refuse(dragged))
  el.addEventListener("drop", (event) => {
    const onto = target(event)
    light(null)
    if (onto) { event.preventDefault(); tell("drop", `${event.dataTransfer.getData("text/plain")}\t${onto.dataset.drop}`) }
  })
  el.addEventListener("click", click)
  el.addEventListener("dblclick", (event) => { const item = event.target.closest("[data-pick]"); if (item && !event.target.closest("[data-open]")) tell("open", item.dataset.pick) })
  el.addEventListener("change", change)
  el.addEventListener("keydown", key)
  el.addEventListener("scroll", scroll)
  model.on("change:html", redraw)
  model.on("change:chosen", show)
  model.on("change:marked", describe)
  draw()
  return () => laidOut.disconnect()
}
export default { render }
