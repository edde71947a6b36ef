"""What a page is watched with: when it draws, when it changes, and what its servers hold in memory."""

import time

import psutil

PROBE = """
window.draws = new Map()
for (const name of ["stroke", "fill", "fillText", "drawImage", "putImageData"]) {
  const real = CanvasRenderingContext2D.prototype[name]
  CanvasRenderingContext2D.prototype[name] = function (...given) {
    this.canvas.drawn = performance.now()
    window.lastDrawn = this.canvas
    window.onDrawn?.(this.canvas)
    return real.apply(this, given)
  }
}
"""
"""Runs before a page's own scripts."""

_CHANGED = """
([clicked, place, shows, becomesVisible, types]) => new Promise((resolve) => {
  const visible = (element) => element.checkVisibility({ visibilityProperty: true })
  const target = [...document.querySelectorAll(clicked)].filter(visible)[place]
  const within = (node) => {
    while (node) {
      if (node.nodeType === 1 && node.matches(shows)) return true
      node = node.parentNode ?? node.host
    }
    return false
  }
  let began = 0
  const done = () => {
    finish()
    requestAnimationFrame(() => {
      const next = new MessageChannel()  // its message comes when the frame has been painted
      next.port1.onmessage = () => resolve(performance.now() - began)
      next.port2.postMessage(0)
    })
  }
  const isShown = () => document.querySelector(shows)?.checkVisibility({ visibilityProperty: true })
  const local = (record) => record.type === "attributes" || record.target.closest?.(".bk-tooltip")
  const observer = new MutationObserver((records) => {
    if (becomesVisible ? isShown() : records.some((record) => !local(record) && within(record.target))) done()
  })
  const finish = () => { observer.disconnect(); window.onDrawn = undefined; clearTimeout(late) }
  const late = setTimeout(() => { finish(); resolve(NaN) }, 5000)
  if (!becomesVisible) window.onDrawn = (canvas) => { if (within(canvas)) done() }
  observer.observe(document.body, { childList: true, subtree: true, characterData: true, attributes: becomesVisible })
  target.scrollIntoView({ block: "nearest" })
  began = performance.now()
  const tell = () => target.dispatchEvent(new Event("change", { bubbles: true }))
  if (target.tagName === "SELECT") { target.selectedIndex = (target.selectedIndex + 1) % target.options.length; tell() }
  else if (target.type === "text") { target.value = target.value ? "" : types; tell() }
  else if (target.matches(".wb-grid-body")) {
    target.addEventListener("scroll", done, { once: true })
    target.scrollTop = target.scrollTop ? 0 : target.scrollHeight
  }
  else target.click()
})
"""


def changed_after(page, clicked, shows, *, place=0, shown=False, types=""):
    """Use a control, and wait until what a selector names has changed on screen.

    A list goes to its next choice, a field of text is filled or emptied, a table is scrolled to its end or its
    beginning, anything else is clicked.

    Parameters
    ----------
    page : playwright.sync_api.Page
    clicked : str
        Selector of the control; those that are hidden do not count.
    shows : str
        Selector of what changes.
    place : int
        Which of the controls.
    shown : bool
        Whether it becomes visible, and need not change.
    types : str
        What a field of text is filled with.

    Returns
    -------
    float
        Milliseconds from the use to the frame after the change; NaN where nothing changed in five seconds.
    """
    return page.evaluate(_CHANGED, [clicked, place, shows, shown, types])


def settle(calm=0.15, patience=30.0):
    """Wait until other processes, as a kernel that starts, use less than a share of the machine."""
    time.sleep(3)  # the next kernel begins to start a moment after a page has painted
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if psutil.cpu_percent(interval=0.5) < calm * 100:
            return


def memory(pid):
    """Give the proportional memory of a process and all that it has started, in MB.

    Parameters
    ----------
    pid : int

    Returns
    -------
    float
        Sum of the proportional set sizes: what several processes share is counted once in all.
    """
    root = psutil.Process(pid)
    return sum(process.memory_full_info().pss for process in [root, *root.children(recursive=True)]) / 2**20
