// What is wrong with a page as a picture: text that is cut, texts over each other, an area with nothing in it.

// Texts in charts are drawn, not elements: where each stands is noted as it is drawn, until its canvas is cleared.
(() => {
  const drawing = CanvasRenderingContext2D.prototype
  const { fillText, clearRect } = drawing
  drawing.fillText = function (text, x, y, ...rest) {
    if (String(text).trim() && this.canvas.isConnected !== false) {
      const size = this.measureText(text), at = this.getTransform()
      const corners = [
        [x - size.actualBoundingBoxLeft, y - size.actualBoundingBoxAscent],
        [x + size.actualBoundingBoxRight, y + size.actualBoundingBoxDescent],
      ].map(([left, top]) => at.transformPoint({ x: left, y: top }))
      const xs = corners.map((corner) => corner.x), ys = corners.map((corner) => corner.y)
      const box = { text: String(text), left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) }
      ;(this.canvas.drawnTexts ??= []).push(box)
    }
    return fillText.call(this, text, x, y, ...rest)
  }
  drawing.clearRect = function (...area) {
    this.canvas.drawnTexts = []
    return clearRect.apply(this, area)
  }
})()

window.pictures = (() => {
  const seen = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true })
  const short = (text) => text.trim().replace(/\s+/g, " ").slice(0, 60)
  const apart = (one, two) => one.right <= two.left || two.right <= one.left || one.bottom <= two.top || two.bottom <= one.top

  function* shadows(root) {
    for (const element of root.querySelectorAll("*")) {
      yield element
      if (element.shadowRoot) yield* shadows(element.shadowRoot)
    }
  }

  // The page is still when nothing has moved for some frames, all charts are drawn, and nothing is under way.
  const still = async () => {
    const look = () => [...document.querySelectorAll(".wb-pane *")].filter(seen).map((one) => {
      const { x, y, width, height } = one.getBoundingClientRect()
      return `${x.toFixed()},${y.toFixed()},${width.toFixed()},${height.toFixed()}`
    }).join() + document.body.innerText.length
    const drawn = () => [...(window.Bokeh?.index ?? [])].every((view) => {
      const { width, height } = view.el.getBoundingClientRect()
      return !seen(view.el) || (view.has_finished() && Math.abs(view.bbox.width - width) < 2 && Math.abs(view.bbox.height - height) < 2)
    })
    for (let before = "", same = 0; same < 4; ) {
      await new Promise((resolve) => requestAnimationFrame(resolve))
      const under_way = [...document.querySelectorAll(".wb-doing")].some(seen)
      const now = look()
      same = now === before && drawn() && !under_way ? same + 1 : 0
      before = now
    }
  }

  // Each line of each text, with the element that it is in.
  function lines() {
    const found = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement
      if (!node.data.trim() || !seen(element) || element.closest("script, style, option, .wb-hidden, noscript, svg")) continue
      const range = document.createRange()
      range.selectNodeContents(node)
      for (const rect of range.getClientRects()) {
        if (rect.width > 1 && rect.height > 1) found.push({ text: short(node.data), element, rect })
      }
    }
    return found
  }

  // What of a line is inside everything that hides what sticks out; null where it is scrolled away.
  function shown(line) {
    let { left, right, top, bottom } = line.rect
    let cut = false
    for (let box = line.element; box && box !== document.documentElement; box = box.parentElement) {
      const style = getComputedStyle(box)
      if (style.display === "inline" || style.display === "contents") continue
      const rect = box.getBoundingClientRect()
      for (const [axis, near, far] of [["overflowX", "left", "right"], ["overflowY", "top", "bottom"]]) {
        if (style[axis] === "visible") continue
        const sticksOut = Math.max(rect[near] - (axis === "overflowX" ? left : top), (axis === "overflowX" ? right : bottom) - rect[far])
        if (/hidden|clip/.test(style[axis]) && sticksOut > 2.5) cut = true
        if (axis === "overflowX") [left, right] = [Math.max(left, rect.left), Math.min(right, rect.right)]
        else [top, bottom] = [Math.max(top, rect.top), Math.min(bottom, rect.bottom)]
        if (/auto|scroll/.test(style[axis]) && (right - left < 2 || bottom - top < 2)) return null
      }
    }
    return { ...line, left, right, top, bottom, cut }
  }

  // Text is cut on purpose only where the whole of it is said on hover, or it is cut in the middle.
  const onPurpose = (element) => element.closest("[title]:not([title=''])") || element.closest(".wb-name")

  const ruler = document.createElement("canvas").getContext("2d")

  function cuts(all) {
    const found = all.filter((line) => line.cut && !onPurpose(line.element)).map((line) => `cut: ${line.text}`)
    for (const line of all) {
      if (!line.cut && (line.right > innerWidth + 1 || line.left < -1)) found.push(`outside: ${line.text}`)
    }
    if (document.documentElement.scrollWidth > innerWidth + 1) found.push("the page scrolls sideways")
    for (const field of document.querySelectorAll("button, select, input[placeholder]")) {
      if (!seen(field) || field.clientWidth < 3 || field.classList.contains("wb-hidden")) continue
      const style = getComputedStyle(field)
      ruler.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`
      const text = field.value === "" && field.placeholder ? field.placeholder : (field.selectedOptions?.[0]?.text ?? "")
      const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)
      const isCut = text ? ruler.measureText(text).width > room + 1 : field.localName === "button" && field.scrollWidth > field.clientWidth + 1
      if (isCut && !(field.localName === "button" && onPurpose(field))) found.push(`cut: ${text || short(field.textContent)}`)
    }
    return found
  }

  function overlaps(all) {
    const found = []
    const whole = all.filter(({ left, right, top, bottom }) => right - left > 2 && bottom - top > 2)
      .map((line) => ({ ...line, left: line.left + 1, right: line.right - 1, top: line.top + 3, bottom: line.bottom - 3 }))
      .sort((one, two) => one.top - two.top)
    whole.forEach((one, place) => {
      for (let next = place + 1; next < whole.length && whole[next].top < one.bottom; next++) {
        const two = whole[next]
        if (apart(one, two) || one.element === two.element) continue
        const x = (Math.max(one.left, two.left) + Math.min(one.right, two.right)) / 2
        const y = (Math.max(one.top, two.top) + Math.min(one.bottom, two.bottom)) / 2
        const top = document.elementFromPoint(x, y)
        const layer = ".wb-popover, .wb-announcement, .wb-progress, .wb-page-card, thead"
        if (top?.closest(layer)) continue // it lies over the page
        found.push(`over each other: ${one.text} / ${two.text}`)
      }
    })
    return found
  }

  function drawnTexts() {
    const found = []
    for (const canvas of shadows(document)) {
      if (canvas.localName !== "canvas" || !canvas.drawnTexts?.length || !seen(canvas)) continue
      const rect = canvas.getBoundingClientRect(), scale = rect.width / canvas.width
      if (rect.width < 2) continue
      found.push(canvas.drawnTexts.map((one) => ({
        text: one.text,
        left: one.left * scale, right: one.right * scale, top: one.top * scale, bottom: one.bottom * scale,
        width: rect.width, height: rect.height,
      })))
    }
    return found
  }

  function charts() {
    const found = []
    for (const texts of drawnTexts()) {
      texts.forEach((one, place) => {
        if (one.left < -2 || one.right > one.width + 2 || one.top < -2 || one.bottom > one.height + 2) found.push(`cut in a chart: ${one.text}`)
        for (const two of texts.slice(place + 1)) {
          const same = one.text === two.text && Math.abs(one.left - two.left) < 1 && Math.abs(one.top - two.top) < 1
          const near = { ...one, left: one.left + 1, right: one.right - 1, top: one.top + 1, bottom: one.bottom - 1 }
          if (!same && !apart(near, two)) found.push(`over each other in a chart: ${one.text} / ${two.text}`)
        }
      })
    }
    return found
  }

  // The largest rectangle of the page in which there is nothing, as a share of the page.
  function blank(all) {
    const size = 20, columns = Math.ceil(innerWidth / size), rows = Math.ceil(innerHeight / size)
    const full = Array.from({ length: rows }, () => new Uint8Array(columns))
    const fill = ({ left, right, top, bottom }) => {
      for (let y = Math.max(0, Math.floor(top / size)); y < Math.min(rows, Math.ceil(bottom / size)); y++) {
        for (let x = Math.max(0, Math.floor(left / size)); x < Math.min(columns, Math.ceil(right / size)); x++) full[y][x] = 1
      }
    }
    for (const line of all) fill(line)
    for (const element of shadows(document)) {
      if (/^(?:canvas|svg|img|input|button|select|progress)$/.test(element.localName) && seen(element)) fill(element.getBoundingClientRect())
    }
    let best = 0
    const heights = new Int32Array(columns)
    for (const row of full) {
      for (let x = 0; x < columns; x++) heights[x] = row[x] ? 0 : heights[x] + 1
      for (let from = 0; from < columns; from++) {
        for (let to = from, least = Infinity; to < columns && (least = Math.min(least, heights[to])); to++) best = Math.max(best, least * (to - from + 1))
      }
    }
    return best / (rows * columns)
  }

  // Boxes that are seen, and have nothing in them.
  const hollow = () => [...document.querySelectorAll(".wb-pane .wb-panel")]
    .filter((one) => seen(one) && one.clientHeight > 40 && one.clientWidth > 40 && !one.innerText.trim() && !one.querySelector("canvas, svg, .bk-Figure, [class*=bk-], input, button"))
    .map((one) => `an empty box: ${one.className}`)

  return async (mayBeBlank) => {
    await still()
    const all = lines().map(shown).filter(Boolean)
    const found = [...cuts(all), ...overlaps(all), ...charts(), ...hollow()]
    const share = blank(all)
    if (share > 1 / 3 && !mayBeBlank) found.push(`blank: ${Math.round(share * 100)} % of the page`)
    return [...new Set(found)].slice(0, 20)
  }
})()
