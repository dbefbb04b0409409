/** Why a decision of the past was made, and what the policy of today would say. */
import type { Office } from '@mayfly/broker/office'
import { type Decision, type DecisionRequest, decide } from '@mayfly/policy/decide'
import { type Explanation, explain } from '@mayfly/policy/explain'
import { type Policy, targetByAudience } from '@mayfly/policy/policy'
import { ConfigurationFault, type ExitCode, type Given, UsageFault } from './command.ts'
import { configPath, withConfiguration, withOffice } from './configured.ts'
import { type ExchangeEntry, exchangeEntry } from './exchange-entry.ts'
import { formatPolicies, loadSources, readPolicySources } from './policies.ts'
import { conditionLines, json, printable, time } from './table.ts'
import type { Terminal } from './terminal.ts'

/** Finds the decision in the log of the configuration and explains it, in full: for those who may read the log. */
export function explainRecorded(given: Given, terminal: Terminal): Promise<ExitCode> {
  const [lease, entry] = [given.text('lease'), given.text('entry')]
  if ((lease === undefined) === (entry === undefined)) throw new UsageFault('give one of --lease and --entry')
  if (given.words.length > 0) throw new UsageFault('the log knows the token and the target')
  return withOffice(given, terminal, async (office) => {
    const text = lease === undefined ? await office.entry(entry ?? '') : await office.issued(lease)
    const recorded = text === undefined ? undefined : exchangeEntry(text)
    if (recorded === undefined) {
      throw new UsageFault(
        text === undefined ? `the log has no ${lease ?? entry}` : `${entry} is not about an exchange`,
      )
    }
    const { policy, digest } = await withConfiguration(configPath(given), () => policyOf(office, given))
    const today = recorded.issuer === undefined ? undefined : decideAgain(policy, recorded)
    await terminal.write(
      given.flag('json')
        ? json({ recorded, policy: digest, same_policy: digest === recorded.policy, today })
        : `${said(recorded, digest, today).map(printable).join('\n')}\n`,
    )
    return today?.decision.allowed === true ? 0 : 1
  })
}

/** The policy that the broker would start with now, or that of another folder. */
async function policyOf(
  office: Office,
  given: Given,
): Promise<{ readonly policy: Policy; readonly digest: string }> {
  const folder = given.text('policies')
  if (folder === undefined) return office.policy()
  const { sourcesDigest } = await import('@mayfly/broker/decide/policies')
  const sources = await readPolicySources(folder)
  const read = loadSources(sources, folder)
  if (!read.loaded.ok) throw new ConfigurationFault(formatPolicies(read).join('\n'))
  return { policy: read.loaded.policy, digest: sourcesDigest(sources) }
}

interface Today {
  readonly decision: Decision
  readonly explanation: Explanation
}

function decideAgain(policy: Policy, recorded: ExchangeEntry): Today {
  const { issuer = '', claims, asked } = recorded
  // A refusal keeps what was asked for, which may have been the audience (RFC 8693 2.1 `resource`).
  const target = policy.targets.has(recorded.target)
    ? recorded.target
    : (targetByAudience(policy, recorded.target)?.name ?? recorded.target)
  const request: DecisionRequest = { issuer, claims, target, ...asked }
  return { decision: decide(policy, request), explanation: explain(policy, request, 'administrator') }
}

function said(recorded: ExchangeEntry, digest: string, today: Today | undefined): readonly string[] {
  const { entry, at, subject, target, policy, given, refused, claims, dropped, cut } = recorded
  const who = subject ?? 'a token that was not verified'
  const then =
    given === undefined
      ? `refused (${refused?.decision ?? refused?.code}): ${refused?.reason}`
      : `granted by ${given.grants.join(', ')} for ${given.seconds} s; scopes: ${given.scopes.join(' ') || 'none'}`
  const head = [
    `${entry} ${time(Math.floor(at / 1000))}: ${who} asked for ${target || 'nothing'}`,
    `then: ${then}`,
  ]
  if (today === undefined) return [...head, 'No policy decided: the token was not believed.']
  const same = policy === digest
  return [
    ...head,
    ...(refused !== undefined && refused.decision === undefined
      ? ['It was not the policy that refused.']
      : []),
    same
      ? `policy: ${digest}, the same then and now`
      : `policy: ${digest} now, ${policy ?? 'unknown'} then: they differ`,
    `now:  ${nowSaid(today)}`,
    ...conditionLines(today.explanation.grants),
    ...(cut
      ? ['The log holds a part only of what was asked: today’s answer may be another one for the whole.']
      : []),
    'claims:',
    ...Object.entries(claims).map(
      ([name, value]) => `  ${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    ),
    ...(dropped.length > 0 ? [`claims that the log does not keep: ${dropped.join(', ')}`] : []),
  ]
}

function nowSaid({ decision, explanation }: Today): string {
  if (!decision.allowed) return `no (${decision.code}). ${explanation.summary}`
  const { grants, scopes, seconds } = decision
  return `yes, by ${grants.join(', ')}, for ${seconds} s; scopes: ${scopes.join(' ') || 'none'}`
}
