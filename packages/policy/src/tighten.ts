/**
 * tighten: the smaller policy that recorded use would still have passed. It proposes to take out grants and scopes
 * that nobody used and to write the one value that a pattern ever met. Each proposal is an edit of the source; the
 * edited policy is loaded and every recorded decision asked again before any of it is shown.
 */

import { loadPolicy } from './load.ts'
import type { Policy, PolicyGrant } from './policy.ts'
import type { Place, SourceFile } from './problem.ts'
import type { RecordedDecision } from './recorded.ts'
import { replay } from './replay.ts'
import { type Edit, editFiles, removeItem, replaceMatcher, replaceValue } from './source-edit.ts'
import { gatherUse, type MetPattern, placeKey, type Used } from './used.ts'

export interface Proposal {
  readonly kind: 'unused grant' | 'unused scopes' | 'pattern with one value'
  readonly grant: string
  readonly place: Place
  readonly message: string
  /** Recorded decisions that speak for it. */
  readonly uses: number
}

export interface Tightened {
  /** Allowed decisions of the record that the policy allows too. */
  readonly decisions: number
  readonly proposals: readonly Proposal[]
  /** The files with every proposal carried out; those that change only. */
  readonly files: readonly SourceFile[]
  /** Ideas that were dropped because the policy would not load, or would have refused a recorded use. */
  readonly dropped: readonly { readonly proposal: Proposal; readonly because: string }[]
}

interface Idea {
  readonly proposal: Proposal
  readonly edit: Edit
}

export interface TightenOptions {
  /** Uses that a pattern must have before one value is proposed for it. */
  readonly leastUses: number
}

/** `recorded` is read more than once. Throws nothing: ideas that do not work are `dropped`. */
export async function tighten(
  policy: Policy,
  files: readonly SourceFile[],
  lock: SourceFile | undefined,
  recorded: readonly RecordedDecision[],
  { leastUses }: TightenOptions,
): Promise<Tightened> {
  const used = await gatherUse(policy, recorded)
  const passing = recorded.filter(({ outcome }) => outcome.allowed)
  const before = await replay(policy, passing)
  const { accepted, dropped } = await acceptable(ideasOf(policy, used, files, leastUses), (ideas) =>
    fault(ideas, files, lock, passing, before.same),
  )
  const changed = editFiles(
    files,
    accepted.map(({ edit }) => edit),
  )
  return {
    decisions: used.decisions,
    proposals: accepted.map(({ proposal }) => proposal),
    files: changed.filter(({ path, text }) => files.find((file) => file.path === path)?.text !== text),
    dropped,
  }
}

interface Sorted {
  readonly accepted: readonly Idea[]
  readonly dropped: Tightened['dropped']
}

/** All at once where that works; where it does not, in halves, until those that stand in the way are alone. */
async function acceptable(
  ideas: readonly Idea[],
  faultOf: (ideas: readonly Idea[]) => Promise<string | undefined>,
  accepted: readonly Idea[] = [],
): Promise<Sorted> {
  const because = ideas.length === 0 ? undefined : await faultOf([...accepted, ...ideas])
  if (because === undefined) return { accepted: [...accepted, ...ideas], dropped: [] }
  const [first] = ideas
  if (ideas.length === 1 && first !== undefined) {
    return { accepted, dropped: [{ proposal: first.proposal, because }] }
  }
  const half = Math.ceil(ideas.length / 2)
  const left = await acceptable(ideas.slice(0, half), faultOf, accepted)
  const right = await acceptable(ideas.slice(half), faultOf, left.accepted)
  return { accepted: right.accepted, dropped: [...left.dropped, ...right.dropped] }
}

/** Why these edits cannot be made together; `undefined` = they can. */
async function fault(
  ideas: readonly Idea[],
  files: readonly SourceFile[],
  lock: SourceFile | undefined,
  passing: readonly RecordedDecision[],
  same: number,
): Promise<string | undefined> {
  const loaded = loadPolicy(
    editFiles(
      files,
      ideas.map(({ edit }) => edit),
    ),
    lock,
  )
  if (!loaded.ok) {
    const [first] = loaded.problems.filter(({ severity }) => severity === 'error')
    return `the policy would not load: ${first?.code ?? ''} ${first?.message ?? ''}`
  }
  const after = await replay(loaded.policy, passing)
  if (after.same >= same) return undefined
  return `${same - after.same} recorded uses would have come out otherwise`
}

function ideasOf(
  policy: Policy,
  used: Used,
  files: readonly SourceFile[],
  leastUses: number,
): readonly Idea[] {
  const textOf = (path: string) => files.find((file) => file.path === path)?.text ?? ''
  const ideas: Idea[] = []
  for (const grant of policy.grants) {
    const idea = used.grants.has(grant.name)
      ? scopeIdeas(grant, used, textOf)
      : [unusedGrant(grant, used, textOf)].filter((each) => each !== undefined)
    ideas.push(...idea)
  }
  return [...ideas, ...patternIdeas(policy, used, textOf, leastUses)]
}

type TextOf = (path: string) => string

function unusedGrant(grant: PolicyGrant, used: Used, textOf: TextOf): Idea | undefined {
  const { name, place } = grant
  const edit = removeItem(textOf(place.path), place)
  const message = `grant \`${name}\` was never used; take it out`
  return (
    edit && { proposal: { kind: 'unused grant', grant: name, place, message, uses: used.decisions }, edit }
  )
}

function scopeIdeas(grant: PolicyGrant, used: Used, textOf: TextOf): readonly Idea[] {
  return grant.gifts.flatMap((gift) => {
    const kept = gift.scopes.filter((scope) => used.scopes.get(gift)?.has(scope))
    if (kept.length === gift.scopes.length || kept.length === 0) return []
    const unused = gift.scopes.filter((scope) => !kept.includes(scope))
    const text = `{ target: ${quoted(gift.target.name)}, scopes: [${kept.map(quoted).join(', ')}] }`
    const edit = replaceValue(textOf(gift.place.path), gift.place, text)
    const message = `grant \`${grant.name}\` gives \`${gift.target.name}\` with scopes that nobody used: ${unused.join(', ')}`
    const uses = used.grants.get(grant.name) ?? 0
    return edit === undefined
      ? []
      : [{ proposal: { kind: 'unused scopes', grant: grant.name, place: gift.place, message, uses }, edit }]
  })
}

function patternIdeas(policy: Policy, used: Used, textOf: TextOf, leastUses: number): readonly Idea[] {
  const ideas = new Map<string, Idea>()
  const forbidding = forbiddingPlaces(policy)
  for (const grant of policy.grants) {
    for (const box of grant.boxes) {
      for (const { sayings } of box.values()) {
        for (const { operator, place, values } of sayings) {
          const key = placeKey(place)
          const met = used.patterns.get(key)
          if (operator !== 'like' || met === undefined || ideas.has(key)) continue
          if (forbidding.has(key)) continue
          const idea = patternIdea(grant, place, values, met, textOf, leastUses)
          if (idea !== undefined) ideas.set(key, idea)
        }
      }
    }
  }
  return [...ideas.values()]
}

/**
 * Patterns that stand in a deny rule or a guardrail too, through `who`: taken in there, they would forbid less.
 */
function forbiddingPlaces({ denies, guardrails }: Policy): ReadonlySet<string> {
  const who = guardrails.flatMap((guardrail) =>
    'who' in guardrail ? [...guardrail.who.values()].flat() : [],
  )
  const boxes = [...denies.flatMap((deny) => deny.boxes), ...who]
  const sayings = boxes.flatMap((box) => [...box.values()].flatMap((condition) => condition.sayings))
  return new Set(sayings.map(({ place }) => placeKey(place)))
}

function patternIdea(
  grant: PolicyGrant,
  place: Place,
  patterns: readonly string[],
  met: MetPattern,
  textOf: TextOf,
  leastUses: number,
): Idea | undefined {
  const [[value, uses] = [undefined, 0], second] = met.values
  if (value === undefined || second !== undefined || met.missing || uses < leastUses) return undefined
  const edit = replaceMatcher(textOf(place.path), place, (written) => {
    // What the claim has may be longer than what a shorthand writes: `branch: main` is `refs/heads/main`.
    const prefix = written === undefined ? '' : (patterns[0] ?? '').slice(0, -written.length)
    return value.startsWith(prefix) ? quoted(value.slice(prefix.length)) : undefined
  })
  const message = `${patterns.join(', ')} only ever met \`${value}\`; write it`
  const proposal = { kind: 'pattern with one value', grant: grant.name, place, message, uses } as const
  return edit && { proposal, edit }
}

/** As YAML that reads back as this text. */
function quoted(text: string): string {
  return /^[A-Za-z][A-Za-z0-9._/-]*$/.test(text) && !/^(true|false|null|on|off|yes|no)$/i.test(text)
    ? text
    : JSON.stringify(text)
}
