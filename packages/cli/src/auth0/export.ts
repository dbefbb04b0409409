/** A policy as an Auth0 Action: what of it Auth0 can keep, what it cannot, and the two files. */
import { type CompiledPolicy, compilePolicy } from '@mayfly/policy/compiled'
import type { Policy, PolicyTarget } from '@mayfly/policy/policy'
import type { ActionSettings } from './action.ts'
import { type Api, tenantText } from './tenant.ts'

export interface ExportSettings extends ActionSettings {
  readonly subjectTokenType: string
  /** Names of targets; absent: all whose tokens Auth0 can give. */
  readonly targets?: readonly string[]
}

export interface Exported {
  readonly action: string
  readonly terraform: string
  /** What was left out or became narrower, in words. */
  readonly notes: readonly string[]
}

/** Auth0 refuses larger Actions. */
const largestAction = 100_000
const actionFile = 'auth0-action.js'

/** What Auth0 cannot keep as the policy says it. Nothing is exported then. */
export class CannotExport extends Error {
  override readonly name = 'CannotExport'
}

/** `runtime`: the code that goes behind the policy. Throws `CannotExport` with every reason. */
export function exportAction(policy: Policy, settings: ExportSettings, runtime: string): Exported {
  const { issuers, faults } = issuersOf(policy, settings)
  const chosen =
    settings.targets ?? [...policy.targets.keys()].filter((name) => isGivable(policy.targets.get(name)))
  const apis = chosen.flatMap((name) => apiOf(policy, name, issuers, faults))
  if (apis.length === 0 && faults.length === 0)
    faults.push('no target of the policy is of kind auth0 or token')
  if (faults.length > 0) throw new CannotExport(faults.join('\n'))
  const compiled = compilePolicy(policy, new Set(chosen), issuers)
  const action = actionText(compiled, settings, runtime)
  if (Buffer.byteLength(action) > largestAction)
    throw new CannotExport(
      `the Action has ${Buffer.byteLength(action)} bytes, and Auth0 takes ${largestAction}: export fewer targets (--target)`,
    )
  const { connection, subjectTokenType } = settings
  return {
    action,
    terraform: tenantText({ connection, subjectTokenType, actionFile, apis }),
    notes: notesOf(policy, chosen, apis, issuers),
  }
}

function isGivable(target: PolicyTarget | undefined): boolean {
  return target?.audience !== undefined && (target.kind === 'auth0' || target.kind === 'token')
}

/** Only GitHub's tokens are verified there; grants of other issuers are left out, which gives less. */
function issuersOf(policy: Policy, { issuers }: ExportSettings) {
  const faults: string[] = []
  for (const name of Object.keys(issuers)) {
    const kind = policy.issuers.get(name)?.schema.kind
    if (kind === undefined) faults.push(`the policy has no issuer \`${name}\``)
    else if (kind !== 'github')
      faults.push(`issuer \`${name}\` is of kind ${kind}; the Action verifies tokens of GitHub alone`)
  }
  return { issuers: new Set(Object.keys(issuers)), faults }
}

function apiOf(policy: Policy, name: string, issuers: ReadonlySet<string>, faults: string[]): readonly Api[] {
  const target = policy.targets.get(name)
  if (target === undefined) {
    faults.push(`there is no target \`${name}\``)
    return []
  }
  if (!isGivable(target)) {
    faults.push(`\`${name}\` is of kind ${target.kind}; Auth0 gives tokens for an API alone (auth0, token)`)
    return []
  }
  if (target.requests !== undefined)
    faults.push(`\`${name}\` lists requests by scope, which Mayfly's proxy keeps and Auth0 does not`)
  const lives = policy.grants
    .filter(({ issuer, gifts }) => issuers.has(issuer) && gifts.some((gift) => gift.target === target))
    .map(({ seconds }) => seconds)
  // One API has one lifetime: the shortest grant's, so that none lives longer than it was given for.
  const seconds = Math.min(target.maxSeconds, ...lives)
  return [{ name, audience: target.audience ?? '', scopes: [...target.scopes.keys()], seconds }]
}

function notesOf(
  policy: Policy,
  chosen: readonly string[],
  apis: readonly Api[],
  issuers: ReadonlySet<string>,
) {
  const left = [...policy.targets.values()]
    .filter(({ name }) => !chosen.includes(name))
    .map(({ name, kind }) => `${name} (${kind})`)
  const others = [...policy.issuers.keys()].filter((name) => !issuers.has(name))
  const shorter = apis.filter(({ name, seconds }) =>
    policy.grants.some(
      (grant) => grant.seconds > seconds && grant.gifts.some(({ target }) => target.name === name),
    ),
  )
  return [
    ...(left.length === 0 ? [] : [`left out, because Auth0 gives tokens for APIs alone: ${left.join(', ')}`]),
    ...(others.length === 0 ? [] : [`grants of these issuers are left out: ${others.join(', ')}`]),
    ...shorter.map(
      ({ name, seconds }) =>
        `tokens for \`${name}\` live ${seconds} s for every grant: an API of Auth0 has one lifetime`,
    ),
  ]
}

function actionText(
  compiled: CompiledPolicy,
  { audience, issuers, connection }: ActionSettings,
  runtime: string,
): string {
  const settings: ActionSettings = { audience, issuers, connection }
  return [
    '// Written by `mayfly export auth0-action`. Do not edit: change the policy, and export it again.',
    `const SETTINGS = ${script(settings)}`,
    `const POLICY = ${script(compiled)}`,
    runtime,
  ].join('\n')
}

/** JSON is JavaScript but for two letters that older readers take for the end of a line. */
function script(value: unknown): string {
  return JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}
