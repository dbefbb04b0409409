import { join } from 'node:path'
import { type Command, type Given, UsageFault } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { type CheckoutFile, checkoutsIn, readCheckout } from '../scan/checkout.ts'
import { fixOptions, proposeFix } from '../scan/fix/command.ts'
import { jsonReport, sarifReport, textReport } from '../scan/report.ts'
import { scanFile } from '../scan/scan.ts'
import { json } from '../table.ts'

export const command: Command = {
  usage: '[options] [FOLDER]',
  about: `Reads .github/workflows and every action.yml of a checkout: static secrets and where they flow, permissions,
events by which outsiders run code, and actions that see secrets and are not pinned. FOLDER is the checkout; default:
this folder. Nothing is run or asked. With --fix it writes a policy for the jobs that can be changed, and their patched
workflows, as a difference to review; only --write changes files.`,
  options: {
    org: { type: 'boolean', summary: 'FOLDER holds many checkouts beside each other' },
    json: jsonOption,
    ...fixOptions,
    sarif: { type: 'boolean', summary: 'Write SARIF 2.1.0, which code scanning takes' },
  },
  words: { least: 0, most: 1 },
  examples: [
    'mayfly scan',
    'mayfly scan --org ~/src/acme --json',
    'mayfly scan --sarif > scan.sarif',
    'mayfly scan --fix --url https://mayfly.acme.example > fix.diff',
  ],
  exits: { 0: 'nothing was found, or it was written', 1: 'there are findings, or a difference' },
  run: async (given, terminal) => {
    if (given.flag('json') && given.flag('sarif')) throw new UsageFault('--json or --sarif, not both')
    const files = await filesOf(given)
    if (given.flag('fix') || given.flag('write')) return proposeFix(given, terminal, files)
    const findings = files.flatMap(({ path, text }) => scanFile(path, text))
    if (given.flag('json')) await terminal.write(json(jsonReport(findings, files.length)))
    else if (given.flag('sarif')) await terminal.write(json(sarifReport(findings)))
    else await terminal.write(textReport(findings, files.length))
    return findings.length === 0 ? 0 : 1
  },
}

/** A folder without a workflow is probably the wrong folder. */
async function filesOf(given: Given): Promise<readonly CheckoutFile[]> {
  const folder = given.words[0] ?? '.'
  const names = given.flag('org') ? await checkoutsIn(folder) : undefined
  const files: CheckoutFile[] = names === undefined ? [...(await readCheckout(folder))] : []
  for (const name of names ?? []) {
    const own = await readCheckout(join(folder, name))
    files.push(...own.map(({ path, text }) => ({ path: `${name}/${path}`, text })))
  }
  if (files.length > 0) return files
  const what = names === undefined ? 'no .github/workflows and no action.yml' : 'no checkout with workflows'
  throw new UsageFault(`there is ${what} in \`${folder}\``)
}
