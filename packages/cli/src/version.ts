import { readFileSync } from 'node:fs'

/** As this package's manifest has it. */
export const version: string = String(
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version,
)
