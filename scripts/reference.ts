/**
 * Writes the generated pages of docs/reference from the code that they describe; `--check` only compares and ends
 * with 1 when a page is stale. `npm run generated`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandLinePage } from './reference/command-line.ts'
import { errorsPage } from './reference/errors.ts'
import { eventsPage } from './reference/events.ts'
import { metricsPage } from './reference/metrics.ts'
import { policyClaimsPage } from './reference/policy-claims.ts'
import { presetsPage } from './reference/presets.ts'
import { scanRulesPage } from './reference/scan-rules.ts'

const folder = join(import.meta.dirname, '../docs/reference')

const pages: Readonly<Record<string, string>> = {
  'command-line.md': await commandLinePage(),
  'errors.md': errorsPage(),
  'events.md': eventsPage(),
  'metrics.md': await metricsPage(),
  'policy-claims.md': policyClaimsPage(),
  'presets.md': presetsPage(),
  'scan-rules.md': scanRulesPage(),
}

function present(name: string): string | undefined {
  try {
    return readFileSync(join(folder, name), 'utf8')
  } catch {
    return undefined
  }
}

const stale = Object.entries(pages).filter(([name, text]) => present(name) !== text)
if (process.argv.includes('--check')) {
  for (const [name] of stale) console.error(`docs/reference/${name} is stale`)
  if (stale.length > 0) {
    console.error('Run `npm run reference` and commit the result.')
    process.exitCode = 1
  } else console.log(`docs/reference: ${Object.keys(pages).length} generated pages are up to date`)
} else {
  for (const [name, text] of stale) writeFileSync(join(folder, name), text)
  console.log(`docs/reference: wrote ${stale.length} of ${Object.keys(pages).length} generated pages`)
}
