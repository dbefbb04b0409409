/** exporting: what every `mayfly export` command of a platform's own trust has in common. */
import { Cannot } from '@mayfly/policy/convert/cannot'
import type { Policy } from '@mayfly/policy/policy'
import type { ExitCode, Given, Option } from '../command.ts'
import { formatPolicies, readPolicies } from '../policies.ts'
import { printable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

export const targetOption: Option = {
  type: 'string',
  value: 'NAMES',
  summary: 'Only these targets, separated by commas',
}

export const longerOption: Option = {
  type: 'boolean',
  summary: 'Accept that sessions of the platform last an hour where the policy says less',
}

export const subjectOption: Option = {
  type: 'string',
  value: 'KEYS',
  summary: 'The keys of your template of `sub` (include_claim_keys), separated by commas',
}

export const exportExits = { 1: 'the policy has faults, or says what the platform cannot say' } as const

/** Loads the policy, writes what was made of it as JSON, and notes to standard error. */
export async function exportPolicy(
  given: Given,
  terminal: Terminal,
  make: (policy: Policy) => { readonly made: unknown; readonly notes: readonly string[] },
): Promise<ExitCode> {
  const read = await readPolicies(given.words[0] ?? 'policies')
  if (!read.loaded.ok) {
    for (const problem of formatPolicies(read)) terminal.tell(problem)
    return 1
  }
  try {
    const { made, notes } = make(read.loaded.policy)
    await terminal.write(`${JSON.stringify(made, undefined, 2)}\n`)
    for (const note of notes) terminal.tell(printable(note))
    return 0
  } catch (thrown) {
    if (!(thrown instanceof Cannot)) throw thrown
    for (const line of thrown.message.split('\n')) terminal.tell(printable(line))
    return 1
  }
}

/** What is said to set the organisation's template; it does not change what `sub` a job has until it is done. */
export function templateNote(subject: readonly string[]): string {
  const keys = subject.map((key) => `-f "include_claim_keys[]=${key}"`).join(' ')
  return `\`sub\` must be of this template: gh api -X PUT orgs/OWNER/actions/oidc/customization/sub ${keys}`
}
