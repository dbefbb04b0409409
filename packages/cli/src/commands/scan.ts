import { join } from 'node:path'
import { type Command, type Given, UsageFault } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { githubApi } from '../lock/github-api.ts'
import { type CheckoutFile, checkoutsIn, originOf, readCheckout } from '../scan/checkout.ts'
import { scanEnvironments } from '../scan/environments.ts'
import type { Finding } from '../scan/finding.ts'
import { fixOptions, proposeFix } from '../scan/fix/command.ts'
import { jsonReport, sarifReport, textReport } from '../scan/report.ts'
import { scanFiles } from '../scan/scan.ts'
import { json } from '../table.ts'
import type { Terminal } from '../terminal.ts'

const TIMEOUT_MILLISECONDS = 10_000

export const command: Command = {
  usage: '[options] [FOLDER]',
  about: `Reads .github/workflows and every action.yml of a checkout: static secrets and where they flow, permissions,
events by which outsiders run code, and actions that see secrets and are not pinned. FOLDER is the checkout; default:
this folder. Nothing is run, and nobody is asked but with --settings. With --fix it writes a policy for the jobs that can be changed, and their patched
workflows, as a difference to review; only --write changes files.`,
  options: {
    org: { type: 'boolean', summary: 'FOLDER holds many checkouts beside each other' },
    json: jsonOption,
    ...fixOptions,
    settings: {
      type: 'boolean',
      summary: 'Ask GitHub, with GITHUB_TOKEN or GH_TOKEN, how environments are protected',
    },
    api: {
      type: 'string',
      value: 'URL',
      summary: 'With --settings: GitHub’s REST API; default: https://api.github.com',
    },
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
    const checkouts = await checkoutsOf(given)
    const files = checkouts.flatMap((each) => each.files)
    if (given.flag('fix') || given.flag('write')) return proposeFix(given, terminal, files)
    const asked = given.flag('settings') ? await environmentsOf(given, terminal, checkouts) : []
    const findings = [...scanFiles(files), ...asked].toSorted(
      (a, b) =>
        order(a.path, b.path) || a.line - b.line || a.column - b.column || order(a.rule.id, b.rule.id),
    )
    if (given.flag('json')) await terminal.write(json(jsonReport(findings, files.length)))
    else if (given.flag('sarif')) await terminal.write(json(sarifReport(findings)))
    else await terminal.write(textReport(findings, files.length))
    return findings.length === 0 ? 0 : 1
  },
}

/** By code unit: the same on every machine. */
function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

interface Checkout {
  readonly folder: string
  readonly files: readonly CheckoutFile[]
}

/** A folder without a workflow is probably the wrong folder. */
async function checkoutsOf(given: Given): Promise<readonly Checkout[]> {
  const folder = given.words[0] ?? '.'
  const names = given.flag('org') ? await checkoutsIn(folder) : undefined
  const found: Checkout[] = names === undefined ? [{ folder, files: await readCheckout(folder) }] : []
  for (const name of names ?? []) {
    const own = join(folder, name)
    const files = (await readCheckout(own)).map(({ path, text }) => ({ path: `${name}/${path}`, text }))
    found.push({ folder: own, files })
  }
  if (found.some(({ files }) => files.length > 0)) return found
  const what = names === undefined ? 'no .github/workflows and no action.yml' : 'no checkout with workflows'
  throw new UsageFault(`there is ${what} in \`${folder}\``)
}

async function environmentsOf(given: Given, terminal: Terminal, checkouts: readonly Checkout[]) {
  const token = terminal.env['GITHUB_TOKEN']?.trim() || terminal.env['GH_TOKEN']?.trim() || undefined
  if (token === undefined) throw new UsageFault('--settings needs GITHUB_TOKEN or GH_TOKEN')
  const url = given.text('api') ?? 'https://api.github.com'
  const api = githubApi({ url, token, timeoutMilliseconds: TIMEOUT_MILLISECONDS })
  const found: Finding[] = []
  for (const { folder, files } of checkouts) {
    if (files.length === 0) continue
    const repository = (given.flag('org') ? undefined : given.text('repository')) ?? (await originOf(folder))
    if (repository === undefined || !/^[^/]+\/[^/]+$/.test(repository))
      throw new UsageFault(`which repository is \`${folder}\`? its origin is not GitHub's`)
    terminal.progress(`asking GitHub for the environments of ${repository}`)
    found.push(...(await scanEnvironments(files, repository, api)))
  }
  return found
}
