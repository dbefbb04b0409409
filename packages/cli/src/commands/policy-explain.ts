import { decide } from '@mayfly/policy/decide'
import { explain } from '@mayfly/policy/explain'
import type { Policy } from '@mayfly/policy/policy'
import { type Command, ConfigurationFault, UsageFault } from '../command.ts'
import { configOption, jsonOption } from '../configured.ts'
import { explainRecorded } from '../explain-recorded.ts'
import { readText } from '../input.ts'
import { readPolicies } from '../policies.ts'
import { conditionLines, printable } from '../table.ts'

export const command: Command = {
  usage: '[options] TOKEN-FILE TARGET',
  about: `TOKEN-FILE holds a token or its claims as JSON; - is standard input. The token is read, not verified: this
says what the policy thinks of such claims, not whether anybody may have them.
With --lease or --entry it explains a decision that the log of --config holds, and says what the policy of today would
answer.`,
  options: {
    policies: { type: 'string', value: 'FOLDER', summary: 'Folder of policy files; default: policies' },
    issuer: { type: 'string', value: 'NAME', summary: 'The issuer in the policy; default: its only one' },
    lease: { type: 'string', value: 'LEASE', summary: 'The decision that gave this lease, ls_...' },
    entry: {
      type: 'string',
      value: 'ENTRY',
      summary: 'The decision of this entry: the error_id of a refusal, au_...',
    },
    config: configOption,
    json: jsonOption,
  },
  words: { least: 0, most: 2 },
  examples: [
    'mayfly policy explain token.txt orders-api --policies policies/',
    'mayfly policy explain --entry au_01jd3k9w2tq4v6x8y0z1a2b3c4 --config mayfly.yaml',
  ],
  exits: { 0: 'the policy says yes', 1: 'the policy says no', 2: 'wrong usage, or a policy with faults' },
  run: async (given, terminal) => {
    if (given.text('lease') !== undefined || given.text('entry') !== undefined) {
      return explainRecorded(given, terminal)
    }
    const [file, target] = given.words
    if (file === undefined || target === undefined) throw new UsageFault('something is missing')
    const claims = claimsOf(await readText(file, terminal))
    const { loaded } = await readPolicies(given.text('policies') ?? 'policies')
    if (!loaded.ok) throw new ConfigurationFault('the policy has faults; `mayfly policy check` shows them')
    const request = { issuer: issuerOf(loaded.policy, given.text('issuer')), claims, target }
    const decision = decide(loaded.policy, request)
    const explanation = explain(loaded.policy, request, 'administrator')
    if (given.flag('json')) {
      const { summary, grants: failing } = explanation
      const answer = decision.allowed
        ? { allowed: true, grants: decision.grants, scopes: decision.scopes, seconds: decision.seconds }
        : { allowed: false, code: decision.code, summary, grants: failing }
      await terminal.write(`${JSON.stringify({ target, ...answer })}\n`)
    } else if (decision.allowed) {
      const { grants, scopes, seconds } = decision
      await terminal.write(
        `${target}: yes, by ${grants.join(', ')}, for ${seconds} s; scopes: ${scopes.join(' ') || 'none'}\n`,
      )
    } else {
      const head = printable(`${target}: no (${decision.code}). ${explanation.summary}`)
      await terminal.write(`${[head, ...conditionLines(explanation.grants)].join('\n')}\n`)
    }
    return decision.allowed ? 0 : 1
  },
}

function issuerOf(policy: Policy, wanted: string | undefined): string {
  const names = [...policy.issuers.keys()]
  const [only] = wanted === undefined ? names : names.filter((name) => name === wanted)
  if (only === undefined) throw new UsageFault(`the policy's issuers are: ${names.join(', ')}`)
  return only
}

function claimsOf(text: string): Readonly<Record<string, unknown>> {
  const json = text.startsWith('{') ? text : Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()
  try {
    const claims: unknown = JSON.parse(json)
    if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) return { ...claims }
  } catch {
    // Said below, for both.
  }
  throw new UsageFault('TOKEN-FILE holds neither a token nor claims as JSON')
}
