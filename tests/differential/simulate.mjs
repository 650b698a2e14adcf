// Reads simulations as JSON lines on standard input; writes one result word for each.
// The package is found through the working directory's node_modules.
import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(pathToFileURL(`${process.cwd()}/`))
const { runSimulation } = await import(pathToFileURL(require.resolve('@cloud-copilot/iam-simulate')).href)
const words = { Allowed: 'allow', ExplicitlyDenied: 'deny', ImplicitlyDenied: 'implicit_deny' }
const started = process.hrtime.bigint()
let count = 0
for await (const line of createInterface({ input: process.stdin })) {
  const response = await runSimulation(JSON.parse(line), {})
  count += 1
  if (response.resultType === 'error') {
    console.log(`error ${JSON.stringify(response.errors).slice(0, 300)}`)
  } else {
    console.log(words[response.overallResult] ?? `error ${response.overallResult}`)
  }
}
const seconds = Number(process.hrtime.bigint() - started) / 1e9
console.error(JSON.stringify({ count, seconds }))
