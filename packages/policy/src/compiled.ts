/**
 * compiled: a loaded policy as plain JSON, and back. Whoever runs a decision where no YAML is read takes it along: `decide`
 * and `explain` work on what comes back as they do on what was loaded. It holds what a decision needs of some targets
 * and nothing else; it proves nothing and checks nothing.
 */
import type { Automaton } from './automaton.ts'
import type { Box, Condition } from './box.ts'
import { indexGrants } from './grant-index.ts'
import { type Lang, nothing } from './lang.ts'
import type {
  Json,
  Policy,
  PolicyDeny,
  PolicyGrant,
  PolicyGuardrail,
  PolicyIssuer,
  PolicyTarget,
  Selection,
} from './policy.ts'
import type { IssuerSchema } from './schema/schema.ts'

interface CompiledLang {
  /** Place in `automata`; absent: no word. */
  readonly automaton?: number
  readonly minus?: readonly string[]
  readonly plus?: readonly string[]
  readonly missing?: true
}

interface CompiledAutomaton {
  readonly columns: string
  readonly width: number
  readonly next: readonly number[]
  readonly accepting: string
}

interface CompiledCondition {
  readonly claim: string
  readonly lang: number
  readonly needed: string
  readonly names?: readonly string[]
}

type CompiledBox = readonly CompiledCondition[]
type CompiledSelection = readonly (readonly [target: string, scopes: readonly string[] | null])[]

export interface CompiledPolicy {
  readonly automata: readonly CompiledAutomaton[]
  readonly langs: readonly CompiledLang[]
  readonly issuers: readonly {
    readonly name: string
    readonly kind: string
    readonly properties: readonly string[]
  }[]
  readonly targets: readonly (Pick<
    PolicyTarget,
    'name' | 'tier' | 'access' | 'maxSeconds' | 'kind' | 'settings'
  > & {
    readonly audience?: string
    readonly scopes: readonly (readonly [string, PolicyTarget['access']])[]
  })[]
  readonly grants: readonly {
    readonly name: string
    readonly issuer: string
    readonly seconds: number
    readonly boxes: readonly CompiledBox[]
    readonly gifts: readonly { readonly target: string; readonly scopes: readonly string[] }[]
  }[]
  readonly denies: readonly {
    readonly name: string
    readonly issuer: string
    readonly boxes: readonly CompiledBox[]
    readonly targets?: readonly string[]
  }[]
  readonly guardrails: readonly {
    readonly name: string
    readonly rule: 'never' | 'only'
    readonly who: readonly (readonly [issuer: string, boxes: readonly CompiledBox[]])[]
    readonly get: CompiledSelection
  }[]
}

const nowhere = { path: '', line: 1, column: 1 } as const

/** What decides about these targets, for these issuers. */
export function compilePolicy(
  policy: Policy,
  targets: ReadonlySet<string>,
  issuers: ReadonlySet<string>,
): CompiledPolicy {
  const table = new Table()
  const boxes = (given: readonly Box[]) => given.map((box) => table.box(box))
  return {
    issuers: [...policy.issuers.values()]
      .filter(({ name }) => issuers.has(name))
      .map(({ name, schema, properties }) => ({ name, kind: schema.kind, properties })),
    targets: [...policy.targets.values()]
      .filter(({ name }) => targets.has(name))
      .map(({ name, tier, access, maxSeconds, kind, settings, audience, scopes }) => ({
        ...{ name, tier, access, maxSeconds, kind, settings, scopes: [...scopes] },
        ...(audience === undefined ? {} : { audience }),
      })),
    grants: policy.grants
      .filter(
        ({ issuer, gifts }) => issuers.has(issuer) && gifts.some(({ target }) => targets.has(target.name)),
      )
      .map(({ name, issuer, seconds, boxes: own, gifts }) => ({
        ...{ name, issuer, seconds, boxes: boxes(own) },
        gifts: gifts
          .filter(({ target }) => targets.has(target.name))
          .map(({ target, scopes }) => ({ target: target.name, scopes })),
      })),
    denies: policy.denies
      .filter(({ issuer }) => issuers.has(issuer))
      .map(({ name, issuer, boxes: own, targets: meant }) => ({
        ...{ name, issuer, boxes: boxes(own) },
        ...(meant === undefined ? {} : { targets: [...meant].filter((target) => targets.has(target)) }),
      })),
    guardrails: policy.guardrails.flatMap((each) =>
      each.rule === 'never' || each.rule === 'only'
        ? [
            {
              ...{ name: each.name, rule: each.rule },
              who: [...each.who]
                .filter(([issuer]) => issuers.has(issuer))
                .map(([issuer, own]) => [issuer, boxes(own)] as const),
              get: selectionOf(each.get, targets),
            },
          ]
        : [],
    ),
    ...table.content(),
  }
}

function selectionOf(get: Selection, targets: ReadonlySet<string>): CompiledSelection {
  return [...get]
    .filter(([target]) => targets.has(target))
    .map(([target, scopes]) => [target, scopes === undefined ? null : [...scopes]] as const)
}

/** Languages and automata once each, however many conditions have them. */
class Table {
  readonly #automata = new Map<Automaton, number>()
  readonly #langs = new Map<Lang, number>()

  box(box: Box): CompiledBox {
    return [...box.values()].map(({ claim, lang, needed, names }) => ({
      ...{ claim, lang: place(this.#langs, lang), needed },
      ...(names.length === 0 ? {} : { names }),
    }))
  }

  content(): Pick<CompiledPolicy, 'automata' | 'langs'> {
    const langs = [...this.#langs.keys()].map((lang): CompiledLang => {
      const { automaton, minus, plus, missing } = lang
      return {
        ...(automaton === nothing.automaton ? {} : { automaton: place(this.#automata, automaton) }),
        ...(minus.size === 0 ? {} : { minus: [...minus] }),
        ...(plus.size === 0 ? {} : { plus: [...plus] }),
        ...(missing ? { missing } : {}),
      }
    })
    const automata = [...this.#automata.keys()].map(({ columns, width, next, accepting }) => ({
      columns: String.fromCharCode(...[...columns].map((column) => column + 0x30)),
      ...{ width, next: [...next], accepting: accepting.join('') },
    }))
    return { langs, automata }
  }
}

function place<Key>(places: Map<Key, number>, key: Key): number {
  const found = places.get(key) ?? places.size
  places.set(key, found)
  return found
}

/** The policy again. `schemas` has the kind of every issuer in it; throws a `TypeError` where it has not. */
export function policyOf(compiled: CompiledPolicy, schemas: ReadonlyMap<string, IssuerSchema>): Policy {
  const boxes = boxReader(compiled)
  const issuers = new Map(
    compiled.issuers.map(({ name, kind, properties }) => [name, issuerOf(name, kind, properties, schemas)]),
  )
  const targets = new Map(
    compiled.targets.map((target): [string, PolicyTarget] => [
      target.name,
      { ...target, settings: target.settings as Json, scopes: new Map(target.scopes), place: nowhere },
    ]),
  )
  const known = (name: string): PolicyTarget => {
    const target = targets.get(name)
    if (target === undefined) throw new TypeError('a compiled policy names a target that it has not')
    return target
  }
  const grants = compiled.grants.map(
    ({ name, issuer, seconds, boxes: own, gifts }): PolicyGrant => ({
      ...{ name, issuer, seconds, place: nowhere, boxes: boxes(own) },
      gifts: gifts.map(({ target, scopes }) => ({ target: known(target), scopes, place: nowhere })),
    }),
  )
  const denies = compiled.denies.map(
    ({ name, issuer, boxes: own, targets: meant }): PolicyDeny => ({
      ...{ name, issuer, boxes: boxes(own), place: nowhere },
      ...(meant === undefined ? {} : { targets: meant }),
    }),
  )
  const guardrails = compiled.guardrails.map(
    ({ name, rule, who, get }): PolicyGuardrail => ({
      ...{ name, rule, place: nowhere, baseline: false },
      who: new Map(who.map(([issuer, own]) => [issuer, boxes(own)])),
      get: new Map(get.map(([target, scopes]) => [target, scopes === null ? undefined : new Set(scopes)])),
    }),
  )
  const audiences = [...targets.values()].flatMap((target) =>
    target.audience === undefined ? [] : [[target.audience, target] as const],
  )
  return {
    ...{ issuers, targets, grants, denies, guardrails, audiences: new Map(audiences) },
    index: indexGrants(issuers.values(), targets.values(), grants, denies, guardrails),
  }
}

function issuerOf(
  name: string,
  kind: string,
  properties: readonly string[],
  schemas: ReadonlyMap<string, IssuerSchema>,
): PolicyIssuer {
  const schema = schemas.get(kind)
  if (schema === undefined) throw new TypeError(`a compiled policy is of an issuer of kind ${kind}`)
  return { name, schema, properties, tenants: new Map() }
}

function boxReader({ automata, langs }: CompiledPolicy): (boxes: readonly CompiledBox[]) => readonly Box[] {
  const machines = automata.map(
    ({ columns, width, next, accepting }): Automaton => ({
      columns: Uint8Array.from(columns, (letter) => letter.charCodeAt(0) - 0x30),
      ...{ width, next: Uint32Array.from(next), accepting: Uint8Array.from(accepting, Number) },
    }),
  )
  const read = langs.map(
    ({ automaton, minus = [], plus = [], missing = false }): Lang => ({
      automaton: machines[automaton ?? -1] ?? nothing.automaton,
      ...{ minus: new Set(minus), plus: new Set(plus), missing },
    }),
  )
  const condition = ({ claim, lang, needed, names = [] }: CompiledCondition): Condition => {
    const found = read[lang]
    if (found === undefined) throw new TypeError('a compiled policy names a set of values that it has not')
    return { claim, lang: found, needed, names, sayings: [] }
  }
  return (boxes) => boxes.map((box) => new Map(box.map((each) => [each.claim, condition(each)])))
}
