// What the page does by itself: the address, keys, copies and downloads, and watching over its kernel.

let baseUrl = "/"
let kernelId = ""
let onGone = () => {}

const one = (selector, root = document) => root.querySelector(selector)
const all = (selector, root = document) => [...root.querySelectorAll(selector)]
const shown = (element) => element.checkVisibility({ visibilityProperty: true })

// ---- address: the kernel writes what is shown, the browser's history holds it

let steps = 0
function follow(told) {
  const { query, step, look } = told.dataset
  const forward = Number(step) > steps
  steps = Number(step)
  document.documentElement.dataset.look = look.split(".", 2).join(".")
  document.cookie = `workbench-look=${look}; path=/; max-age=31536000; SameSite=Lax`
  const token = new URLSearchParams(location.search).get("token")
  const search = `?${query}${token ? `&token=${encodeURIComponent(token)}` : ""}`
  if (search === location.search) return
  if (forward) history.pushState(null, "", search)
  else history.replaceState(null, "", search)
}

let visits = 0
addEventListener("popstate", () => {
  const input = one(".wb-visit input")
  if (!input) return
  const query = new URLSearchParams(location.search)
  query.delete("token")
  input.value = `${++visits} ${query}`
  input.dispatchEvent(new Event("input", { bubbles: true }))
  input.dispatchEvent(new Event("change", { bubbles: true }))
})

// ---- copies and downloads

async function copy(button) {
  const given = button.dataset.copy
  const text = given.startsWith("?") ? location.origin + location.pathname + given : given
  if (navigator.clipboard) await navigator.clipboard.writeText(text)
  else {
    const area = Object.assign(document.createElement("textarea"), { value: text })
    button.after(area)
    area.select()
    document.execCommand("copy")
    area.remove()
  }
  const words = button.textContent
  button.textContent = "Copied"
  setTimeout(() => { button.textContent = words }, 1500)
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".wb-copy")
  if (button) copy(button)
})

// ---- keys

function press(key) {
  const wanted = all(`.wb button.wb-key-${CSS.escape(key)}, .wb .wb-key-${CSS.escape(key)} button`)
  const button = wanted.find((candidate) => shown(candidate) && !candidate.disabled)
  button?.click()
  return button !== undefined
}

// a form that is asked for gets the focus when it is there; what was typed for another one does not go with it
const openForm = () => all(".wb-form:not(.wb-import-form)").find(shown)
let asking

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".wb-asks")
  if (!button) return
  for (const field of all(".wb-form:not(.wb-import-form) :is(input[type=text], textarea)").filter(shown)) {
    field.value = ""
    for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }))
  }
  asking = button.classList.contains("wb-opened") ? undefined : button
  if (asking) enter(button, 60)
}, true)

function cancelForm() {
  const form = openForm()
  if (form) one(".wb-opener-open", form)?.click()
  return form !== undefined
}

document.addEventListener("keydown", (event) => { // fields keep their keys to themselves
  if (event.key === "Escape" && openForm()?.contains(event.target) && cancelForm()) event.stopPropagation()
}, true)

function enter(button, tries) {
  if (asking !== button) return
  const form = button.classList.contains("wb-opened") && openForm()
  const field = form && all("input, select, textarea", form).find(shown)
  if (field) field.focus()
  if (field || !tries) asking = undefined
  else setTimeout(() => enter(button, tries - 1), 50)
}

// the second click of a double click is no press of another button that has moved below the pointer
const DOUBLE_MS = 500
let pressed = { time: -DOUBLE_MS }

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".wb-actions button")
  const { clientX: x, clientY: y, timeStamp: time } = event
  if (!event.detail) return // by keys
  const again = time - pressed.time < DOUBLE_MS && Math.hypot(x - pressed.x, y - pressed.y) < 8
  if (again && button !== pressed.button) {
    event.preventDefault()
    event.stopImmediatePropagation()
  } else if (button) pressed = { button, time, x, y }
}, true)

const NAMES = { "?": "help", ArrowLeft: "left", ArrowRight: "right", " ": "space" }

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
  if (event.key === "Escape") {
    const popovers = all(".wb-popover").filter(shown)
    for (const opened of popovers) {
      one(`.wb-opener-${opened.classList.contains("wb-help") ? "help" : "open"}`, opened.parentElement)?.click()
    }
    if (!popovers.length && !cancelForm()) press("escape") // leaves wall mode
    return
  }
  const target = event.composedPath()[0]
  const typing = target.matches?.("textarea, select, input:not([type=checkbox], [type=radio], [type=range]), [contenteditable=true]")
  if (typing || asking || openForm()) return
  if ([" ", "ArrowLeft", "ArrowRight"].includes(event.key) && target.closest?.("button, input, [role=slider], [tabindex], a")) return
  if (press(NAMES[event.key] ?? event.key.toLowerCase())) event.preventDefault()
})

// ---- sound: where the reader wants it, a new critical alert is heard until somebody presses anything, or acknowledges it

const SOUND = "workbench-sound"
const wantsSound = () => localStorage.getItem(SOUND) === "on"
let audio
let horn
let heard = ""

function beep() {
  audio ??= new AudioContext()
  audio.resume() // a browser holds it back until the page is used
  for (const [after, frequency] of [[0, 880], [0.25, 660]]) {
    const tone = new OscillatorNode(audio, { frequency })
    tone.connect(new GainNode(audio, { gain: 0.2 })).connect(audio.destination)
    tone.start(audio.currentTime + after)
    tone.stop(audio.currentTime + after + 0.2)
  }
}

function hush() {
  clearInterval(horn)
  horn = undefined
}

function announce(waiting) {
  const words = one(".wb-announcement p")?.textContent ?? ""
  if (words && words !== heard && wantsSound()) {
    hush()
    beep()
    horn = setInterval(beep, 4000)
  }
  heard = words
  if (!waiting) hush()
}

for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, hush, true)

document.addEventListener("click", (event) => {
  if (!event.target.closest?.(".wb-sound")) return
  localStorage.setItem(SOUND, wantsSound() ? "off" : "on")
  if (wantsSound()) beep()
  describe()
})

// ---- what ipywidgets cannot say to a screen reader

function describe() {
  const waiting = Number(one(".wb-fleet [data-waiting]")?.dataset.waiting ?? 0)
  announce(waiting)
  one(".wb-sound")?.setAttribute("aria-pressed", String(wantsSound()))
  const nav = one(".wb-nav")
  if (nav) {
    nav.setAttribute("role", "tablist")
    for (const tab of all("button", nav)) {
      tab.setAttribute("role", "tab")
      const current = tab.classList.contains("wb-current")
      tab.setAttribute("aria-selected", String(current))
      const title = `${waiting ? `(${waiting}) ` : ""}${tab.textContent} · Workbench`
      if (current && document.title !== title) document.title = title
    }
  }
  one(".wb-header")?.setAttribute("role", "banner")
  one(".wb-panes")?.setAttribute("role", "main")
  one(".wb-announcement")?.setAttribute("role", "status") // which is read politely, when it changes
  for (const handle of all(".wb .noUi-handle:not([aria-label])")) {
    const slider = handle.closest(".widget-inline-hbox")
    handle.setAttribute("aria-label", slider.title || one(".widget-label", slider)?.textContent || "value")
  }
  for (const button of all(".wb button[title]")) {
    if (!button.textContent.trim()) button.setAttribute("aria-label", button.title)
    else if (button.getAttribute("aria-label") === button.title) button.removeAttribute("aria-label")
  }
}

// ---- painting: only then may the server start the next kernel

let painted = false
function paint() {
  const views = window.Bokeh?.index ? [...window.Bokeh.index] : []
  const done = views.some((view) => view.has_finished?.()) || (one(".wb-pane") && performance.now() > 8000)
  if (!done) return setTimeout(paint, 50)
  requestAnimationFrame(() => setTimeout(() => {
    painted = true
    performance.mark("wb-painted")
    fetch(`${baseUrl}workbench/painted`, { cache: "no-store" }).catch(() => {})
  }))
}

// ---- the kernel: gone, or out of reach

function card(id, kind, title, words, action) {
  one(`#${id}`)?.remove()
  const made = document.createElement("div")
  made.id = id
  made.className = `wb-page-card ${kind}`
  made.setAttribute("role", "alert")
  made.append(Object.assign(document.createElement("b"), { textContent: title }))
  made.append(Object.assign(document.createElement("p"), { textContent: words }))
  if (action) {
    const button = Object.assign(document.createElement("button"), { textContent: action, type: "button" })
    button.addEventListener("click", () => location.reload())
    made.append(button)
    setTimeout(() => button.focus())
  }
  document.body.append(made)
}

let since = null
async function watch() {
  if (document.hidden) return setTimeout(watch, 4000)
  try {
    const answer = await fetch(`${baseUrl}api/kernels/${kernelId}`, { cache: "no-store" })
    one("#wb-lost")?.remove()
    since = null
    if (answer.status === 404 || answer.status === 403) {
      onGone()
      return card("wb-gone", "", "This page's kernel has ended", `What is shown stays as it was. Reload to go on: the address holds what you were looking at. The server's log has it as ${kernelId.slice(0, 8)}.`, "Reload")
    }
  } catch {
    since ??= new Date().toLocaleTimeString()
    card("wb-lost", "wb-lost", `No connection since ${since}`, "What is shown is of then. This page tries again by itself.")
  }
  setTimeout(watch, 4000)
}

// ---- begin

const observer = new MutationObserver(() => {
  const told = one(".wb-address")
  if (told && !told.dataset.done) {
    told.dataset.done = "1"
    follow(told)
  }
  for (const link of all(".wb-download:not([data-done])")) {
    link.dataset.done = "1"
    link.click()
  }
  if (one(".wb-pane, .wb-notice .wb-card")) one("#wb-loading")?.remove()
  describe()
})

// Begin, for a page that has a kernel; `onGone` is called when that has ended.
export function begin(page) {
  ;({ baseUrl, kernelId, onGone } = page)
  setTimeout(watch, 6000)
}

addEventListener("DOMContentLoaded", () => {
  observer.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] })
  paint()
})
