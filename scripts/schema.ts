/**
 * Writes the JSON Schema of `mayfly.yaml` from the schema that the broker enforces; `--check` only compares.
 * `npm run generated`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { configJsonSchema } from '@mayfly/broker/config/json-schema'

const path = 'schema/mayfly.schema.json'
const wanted = `${JSON.stringify(configJsonSchema(), null, 2)}\n`

function present(): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

if (process.argv.includes('--check')) {
  const fresh = present() === wanted
  console.log(fresh ? `${path} is up to date` : `${path} is stale: run node scripts/schema.ts`)
  process.exitCode = fresh ? 0 : 1
} else {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, wanted)
  console.log(`wrote ${path}`)
}
