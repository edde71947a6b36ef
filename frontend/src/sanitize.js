// What `sanitize-html` is asked for by the widget library: text with a few harmless elements and attributes.

const SAFE_ADDRESS = /^(?:https?:|mailto:|[^:]*$)/i

// Return the text without any element, attribute or address but those that are allowed.
export default function sanitize(text, { allowedTags, allowedAttributes }) {
  const { body } = new DOMParser().parseFromString(`<body>${text}`, "text/html")
  for (const element of [...body.querySelectorAll("*")].reverse()) {
    const tag = element.localName
    if (!allowedTags.includes(tag)) {
      if (/^(?:script|style|template|noscript|textarea|option|svg|math)$/.test(tag)) element.remove()
      else element.replaceWith(...element.childNodes)
      continue
    }
    const allowed = [...(allowedAttributes["*"] ?? []), ...(allowedAttributes[tag] ?? [])]
    for (const { name, value } of [...element.attributes]) {
      const known = allowed.some((wanted) => wanted === name || (wanted.endsWith("*") && name.startsWith(wanted.slice(0, -1))))
      const bad = name === "href" || name === "src" ? !SAFE_ADDRESS.test(value.trim()) : name === "style" && /url|expression/i.test(value)
      if (!known || bad) element.removeAttribute(name)
    }
  }
  return body.innerHTML
}
