// A page of the dashboard: connects to its kernel while the kernel still works at the page, then shows what came of it.

import { Widget } from "@lumino/widgets"

import { Kernel } from "./kernel.js"
import { Manager } from "./manager.js"
import { begin } from "./page.js"
import "./front.css"

const WIDGET = "application/vnd.jupyter.widget-view+json"
const OUTPUT = "application/vnd.voila.cell-output+json"

const complete = new Promise((resolve) => addEventListener("DOMContentLoaded", resolve))

// Called by the page as soon as it knows its kernel.
export function connect() {
  const { baseUrl, kernelId } = JSON.parse(document.getElementById("jupyter-config-data").textContent)
  const manager = new Manager()
  const kernel = new Kernel(new URL(`${baseUrl}api/kernels/${kernelId}/channels`, location.href).href.replace(/^http/, "ws"), {
    onOpen: () => complete.then(() => manager.load(kernel)).then(show),
    onMessage: (message) => manager.take(message),
  })
  const show = async () => {
    for (const script of document.querySelectorAll(`script[type="${OUTPUT}"]`)) await put(script, manager)
  }
  addEventListener("pagehide", () => {
    kernel.close()
    const form = new FormData()
    form.append("_xsrf", /(?:^|; )_xsrf=([^;]*)/.exec(document.cookie)?.[1] ?? "")
    navigator.sendBeacon(`${baseUrl}voila/api/shutdown/${kernelId}`, form)
  })
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload())
  begin({ baseUrl, kernelId, onGone: () => kernel.close() })
}

// Show an output of a cell in place of the script that holds it.
async function put(script, manager) {
  const { data = {}, text, traceback } = JSON.parse(script.textContent)
  const place = document.createElement("div")
  script.replaceWith(place)
  if (data[WIDGET]) {
    const model = await manager.get_model(data[WIDGET].model_id)
    const view = await manager.create_view(model)
    Widget.attach(view.luminoWidget, place)
    addEventListener("resize", () => view.luminoWidget.update())
  } else if (data["text/html"]) place.innerHTML = [data["text/html"]].flat().join("")
  else {
    place.className = "wb-output"
    place.textContent = [text ?? traceback ?? data["text/plain"] ?? ""].flat().join("")
  }
}
