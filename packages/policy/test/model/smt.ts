/**
 * A guardrail of a random policy as a question for an SMT solver (SMT-LIB 2.6): is there a token of this issuer that
 * breaks it? Claims of which the policy has patterns are texts, with the patterns and the claim's domain as regular
 * expressions; all others are a few numbers. Made from the model; nothing of it comes from `src`.
 */
import { githubClaims, type ModelClaim, standardEvents } from './claims.ts'
import type { IssuerRules, Meaning, Watch } from './meaning.ts'
import type { ModelCondition } from './model.ts'
import type { ModelBox } from './reference.ts'

type Term = string

const all = (word: 'and' | 'or', terms: readonly Term[]): Term => {
  const [only, second] = terms
  if (only === undefined) return word === 'and' ? 'true' : 'false'
  return second === undefined ? only : `(${word} ${terms.join(' ')})`
}
const and = (...terms: readonly Term[]) => all('and', terms)
const or = (...terms: readonly Term[]) => all('or', terms)
const not = (term: Term) => `(not ${term})`
const text = (value: string) =>
  `"${[...value].map((letter) => (letter <= '~' ? letter : `\\u{${letter.charCodeAt(0).toString(16)}}`)).join('')}"`

const concat = (...parts: readonly Term[]) =>
  parts.length === 1 ? (parts[0] ?? '') : `(re.++ ${parts.join(' ')})`
const literal = (value: string) => `(str.to_re ${text(value)})`
const oneOf = (...terms: readonly Term[]) =>
  terms.length === 1 ? (terms[0] ?? '') : `(re.union ${terms.join(' ')})`
const many = (letters: Term) => `(re.+ ${letters})`
const range = (first: string, last: string) => `(re.range "${first}" "${last}")`
const except = (letters: string) => `(re.diff re.allchar ${oneOf(...[...letters].map(literal))})`
const lower = [range('a', 'z'), range('0', '9'), literal('_'), literal('-')]

const repository = concat(many(oneOf(...lower)), literal('/'), many(oneOf(...lower, literal('.'))))
const refName = many(except(' ~^:?*[\\'))
const pull = concat(literal('refs/pull/'), many(range('0', '9')), literal('/merge'))
const ref = oneOf(concat(oneOf(literal('refs/heads/'), literal('refs/tags/')), refName), pull)
const file = concat(
  literal('.github/workflows/'),
  many(except('/:@')),
  oneOf(literal('.yml'), literal('.yaml')),
)

/** What intake lets a claim be, from the reference of each platform. */
const domains: Readonly<Record<string, Term>> = {
  repository,
  ref,
  environment: many(`(re.diff re.allchar ${range('A', 'Z')})`),
  event_name: many(oneOf(...lower, range('A', 'Z'))),
  'workflow.repo': repository,
  'workflow.file': file,
  'workflow.ref': oneOf(ref, `((_ re.loop 40 40) ${oneOf(range('0', '9'), range('a', 'f'))})`),
}
const anyText = many('re.allchar')

/** `*` inside a segment, `**` as the whole end. */
function globTerm(glob: string): Term {
  const parts = glob.split(/([/:@])/).flatMap((segment): readonly Term[] => {
    if (segment === '**') return [many(except(':@'))]
    if (segment === '*') return [many(except('/:@'))]
    const [before = '', after] = segment.split('*')
    const inner = [before, after].map((each) => (each === undefined || each === '' ? [] : [literal(each)]))
    return after === undefined
      ? (inner[0] ?? [])
      : [...(inner[0] ?? []), `(re.* ${except('/:@')})`, ...(inner[1] ?? [])]
  })
  return concat(...parts)
}

/** How one claim is written. */
interface Sort {
  readonly claim: ModelClaim
  /** Numbers stand for these values; `undefined` = the claim is a text. */
  readonly values: readonly string[] | undefined
}

const variable = (claim: string) => `|${claim}|`
const missing = (claim: string) => `|no ${claim}|`

function is({ claim, values }: Sort, value: string): Term {
  return `(= ${variable(claim.claim)} ${values === undefined ? text(value) : values.indexOf(value)})`
}

function starts(sort: Sort, prefix: string): Term {
  if (sort.values === undefined) return `(str.prefixof ${text(prefix)} ${variable(sort.claim.claim)})`
  return or(...sort.values.filter((value) => value.startsWith(prefix)).map((value) => is(sort, value)))
}

type Sorts = ReadonlyMap<string, Sort>

function sortsOf({ issuer }: IssuerRules, conditions: readonly ModelCondition[]): Sorts {
  const used = new Set(conditions.map(({ claim }) => claim.claim))
  if (issuer.kind === 'github') {
    for (const name of [
      'ref',
      'ref_type',
      'event_name',
      'runner_environment',
      'workflow.repo',
      'workflow.file',
      'workflow.ref',
    ])
      used.add(name)
  }
  return new Map(
    [...used].map((name) => {
      const claim = [...githubClaims, ...issuer.claims].find((each) => each.claim === name)
      if (claim === undefined) throw new Error(`no claim ${name}`)
      const patterned = conditions.some(({ claim: own, matcher }) => {
        const plain = matcher.is === 'not' ? matcher.inner : matcher
        return own.claim === name && plain.is === 'like'
      })
      return [name, { claim, values: patterned ? undefined : [...claim.exact, ...claim.others] }]
    }),
  )
}

function declare(sorts: Sorts): string {
  return [...sorts.values()]
    .map(({ claim, values }) => {
      const name = variable(claim.claim)
      const inside =
        values === undefined
          ? `(str.in_re ${name} ${domains[claim.claim] ?? anyText})`
          : `(and (<= 0 ${name}) (< ${name} ${values.length}))`
      const absent = claim.optional ? '' : `(assert ${not(missing(claim.claim))})`
      const sort = values === undefined ? 'String' : 'Int'
      return `(declare-const ${name} ${sort}) (declare-const ${missing(claim.claim)} Bool) (assert ${inside}) ${absent}`
    })
    .join('\n')
}

function conditionTerm({ claim, matcher }: ModelCondition, sorts: Sorts): Term {
  const sort = sorts.get(claim.claim)
  if (sort === undefined) throw new Error(`no sort for ${claim.claim}`)
  const gone = missing(claim.claim)
  if (matcher.is === 'absent') return gone
  const plain = matcher.is === 'not' ? matcher.inner : matcher
  const held =
    plain.is === 'any'
      ? 'true'
      : plain.is === 'exact'
        ? or(...plain.values.map((value) => is(sort, value)))
        : `(str.in_re ${variable(claim.claim)} ${oneOf(...plain.globs.map(globTerm))})`
  const fits = matcher.is === 'not' ? not(held) : held
  const orAbsent = 'orAbsent' in matcher && matcher.orAbsent === true
  return orAbsent ? or(gone, fits) : and(not(gone), fits)
}

/** The relations that GitHub's tokens fulfil. */
function realTerm({ issuer }: IssuerRules, sorts: Sorts): Term {
  if (issuer.kind !== 'github') return 'true'
  const sort = (name: string): Sort => {
    const found = sorts.get(name)
    if (found === undefined) throw new Error(`no sort for ${name}`)
    return found
  }
  const has = (name: string, term: (sort: Sort) => Term) => and(not(missing(name)), term(sort(name)))
  const tagged = has('ref', (own) => starts(own, 'refs/tags/'))
  const pulled = has('ref', (own) => starts(own, 'refs/pull/'))
  const standard = or(...standardEvents.map((event) => is(sort('event_name'), event)))
  const runner = sort('runner_environment')
  return and(
    `(= ${tagged} ${has('ref_type', (own) => is(own, 'tag'))})`,
    not(and(pulled, standard)),
    or(is(runner, 'github-hosted'), is(runner, 'self-hosted')),
    `(= ${missing('workflow.repo')} ${missing('workflow.file')} ${missing('workflow.ref')})`,
  )
}

/** Satisfiable when some token of the issuer breaks the guardrail. */
export function questionOf(meaning: Meaning, rules: IssuerRules, watch: Watch): string {
  const meant = watch.who.get(rules.issuer.name) ?? []
  const most = watch.guardrail.rule === 'max' ? watch.guardrail.minutes : 0
  const grants = rules.grants.filter(
    ({ gives, minutes }) => (gives & (watch.get | watch.other)) !== 0 && minutes > most,
  )
  const boxes = [
    ...grants.flatMap((each) => each.boxes),
    ...rules.denies.flatMap((each) => each.boxes),
    ...meant,
  ]
  const sorts = sortsOf(rules, boxes.flat())
  const holds = (list: readonly ModelBox[]) =>
    or(...list.map((box) => and(...box.map((condition) => conditionTerm(condition, sorts)))))
  const given = (bit: number): Term => {
    const giving = grants.filter(({ gives }) => (gives & bit) !== 0).map((each) => holds(each.boxes))
    const denied = rules.denies.filter(({ from }) => (from & bit) !== 0).map((each) => holds(each.boxes))
    return and(or(...giving), not(or(...denied)))
  }
  const bits = (set: number) => meaning.atoms.flatMap((_, at) => ((set & (1 << at)) === 0 ? [] : [1 << at]))
  const some = (set: number) => or(...bits(set).map(given))
  return [
    declare(sorts),
    `(assert ${realTerm(rules, sorts)})`,
    `(assert ${breach(watch, holds(meant), bits, some, given)})`,
  ].join('\n')
}

function breach(
  { guardrail, get, other }: Watch,
  meant: Term,
  bits: (set: number) => readonly number[],
  some: (set: number) => Term,
  given: (bit: number) => Term,
): Term {
  switch (guardrail.rule) {
    case 'never':
      return and(meant, some(get))
    case 'only':
      return and(not(meant), some(get))
    case 'always':
      return and(meant, not(and(...bits(get).map(given))))
    case 'apart':
      return and(some(get), some(other))
    case 'max':
      return some(get)
  }
}
