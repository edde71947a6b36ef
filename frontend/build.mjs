// Builds the front end into workbench/dashboard/static: scripts, stylesheet, and the licences of what they contain.

import { build } from "esbuild"
import { readFile, readdir, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import path from "node:path"

const here = path.dirname(fileURLToPath(import.meta.url))
const target = path.resolve(process.argv[2] ?? path.join(here, "..", "workbench", "dashboard", "static"))

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: { front: "src/main.js" },
  outdir: target,
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "workbench",
  target: "es2022",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
  alias: { "sanitize-html": "./src/sanitize.js" },
})

const packages = new Set(
  Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .flatMap(([file, { bytesInOutput }]) => (bytesInOutput ? (/^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []) : [])),
)
const licences = []
for (const name of [...packages].sort()) {
  const folder = path.join(here, "node_modules", name)
  const { version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"))
  const own = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry))
  const file = own ? path.join(folder, own) : path.join(here, "licences", `${license}.txt`) // Jupyter's packages come without
  licences.push(`${name} ${version}\n\n${(await readFile(file, "utf8")).trim()}`)
}
await writeFile(path.join(target, "front.licences.txt"), `${licences.join(`\n\n${"-".repeat(80)}\n\n`)}\n`)
