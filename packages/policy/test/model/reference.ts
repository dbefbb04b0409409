/**
 * The meaning of a random policy, written a second time from the design of the language and from nothing in `src`:
 * a slow and obvious matcher for patterns, conditions straight from the model.
 */
import { githubClaims, standardEvents } from './claims.ts'
import type { Alternative, ModelCondition, ModelIssuer, ModelPolicy, Plain } from './model.ts'

export type ClaimValue = string | undefined
export type ReadClaim = (claim: string) => ClaimValue

/** `*` stays inside a segment, and is not empty where it is the whole of one; `**` is the whole end. */
export function globMatches(glob: string, text: string): boolean {
  return from(0, 0)

  function from(at: number, start: number): boolean {
    const rest = text.slice(start)
    if (at === glob.length) return rest === ''
    if (glob.slice(at) === '**') return rest !== '' && !/[:@]/.test(rest)
    if (glob[at] !== '*') return rest[0] === glob[at] && from(at + 1, start + 1)
    const whole = isEdge(glob[at - 1]) && isEdge(glob[at + 1])
    for (let length = whole ? 1 : 0; length <= rest.length; length++) {
      if (/[/:@]/.test(rest.slice(0, length))) return false
      if (from(at + 1, start + length)) return true
    }
    return false
  }
}

const isEdge = (letter: string | undefined) => letter === undefined || '/:@'.includes(letter)

function plainHolds(plain: Plain, value: string): boolean {
  return plain.is === 'exact'
    ? plain.values.includes(value)
    : plain.globs.some((glob) => globMatches(glob, value))
}

/** Does a claim with this value meet the condition? Missing meets nothing but `absent` and `or_absent: true`. */
export function meets({ matcher }: ModelCondition, value: ClaimValue): boolean {
  if (matcher.is === 'absent') return value === undefined
  if (value === undefined) return 'orAbsent' in matcher && matcher.orAbsent === true
  if (matcher.is === 'any') return true
  if (matcher.is === 'not') return !plainHolds(matcher.inner, value)
  return plainHolds(matcher, value)
}

/** All of these must hold. */
export type ModelBox = readonly ModelCondition[]

/** The ways in which an alternative can hold, with the names that it uses written out. */
export function boxesOf({ use, conditions }: Alternative, policy: ModelPolicy): readonly ModelBox[] {
  return use.reduce<readonly ModelBox[]>(
    (boxes, name) => {
      const named = policy.named.get(name)?.who.flatMap((each) => boxesOf(each, policy)) ?? []
      return boxes.flatMap((box) => named.map((other) => [...box, ...other]))
    },
    [conditions],
  )
}

function standing(name: string, values: readonly string[]): ModelCondition {
  const claim = githubClaims.find((each) => each.claim === name)
  if (claim === undefined) throw new Error(`no claim ${name}`)
  return { claim, key: name, prefix: '', matcher: { is: 'exact', values } }
}

/** A grant means the policy's owners, and events that outsiders do not cause unless it names an event. */
export function grantBoxes(
  who: readonly Alternative[],
  issuer: ModelIssuer,
  policy: ModelPolicy,
): readonly ModelBox[] {
  const boxes = who.flatMap((each) => boxesOf(each, policy))
  if (issuer.kind !== 'github') return boxes
  const owner = standing('repository_owner_id', issuer.owners)
  const event = standing('event_name', standardEvents)
  return boxes.map((box) => {
    const named = box.some(({ claim }) => claim.claim === 'event_name')
    return named ? [...box, owner] : [...box, owner, event]
  })
}

/** Does GitHub make such tokens? */
export function isReal(kind: ModelIssuer['kind'], read: ReadClaim): boolean {
  if (kind !== 'github') return true
  const ref = read('ref')
  const tagged = ref?.startsWith('refs/tags/') === true
  if ((read('ref_type') === 'tag') !== tagged) return false
  if (ref?.startsWith('refs/pull/') === true && standardEvents.includes(read('event_name') ?? ''))
    return false
  if (!['github-hosted', 'self-hosted'].includes(read('runner_environment') ?? '')) return false
  const parts = ['workflow.repo', 'workflow.file', 'workflow.ref'].map(read)
  return parts.every((part) => part === undefined) || parts.every((part) => part !== undefined)
}

/** The claims of which nobody spoke, as something that agrees with the others. */
export function completed(kind: ModelIssuer['kind'], said: ReadonlyMap<string, ClaimValue>): ReadClaim {
  if (kind !== 'github') return (claim) => said.get(claim)
  const parts = ['workflow.repo', 'workflow.file', 'workflow.ref']
  const withoutWorkflow = parts.some((part) => said.has(part) && said.get(part) === undefined)
  const usual: Record<string, string> = {
    repository_id: '7',
    repository: 'acme/z',
    repository_owner_id: '9919',
    actor_id: '1',
    ref: said.get('ref_type') === 'tag' ? 'refs/tags/x' : 'refs/heads/dev',
    ref_type: said.get('ref')?.startsWith('refs/tags/') === true ? 'tag' : 'branch',
    event_name: 'push',
    runner_environment: 'github-hosted',
    repository_visibility: 'private',
    ...(withoutWorkflow
      ? {}
      : {
          'workflow.repo': 'acme/z',
          'workflow.file': '.github/workflows/z.yml',
          'workflow.ref': 'refs/tags/x',
        }),
  }
  return (claim) => (said.has(claim) ? said.get(claim) : usual[claim])
}
