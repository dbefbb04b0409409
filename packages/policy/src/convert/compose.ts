/**
 * compose: imported rules as the text of a policy. It is loaded as the server would, with ids that are made up where no
 * lock has them: what the checks refuse is not in the policy, and told.
 */

import { loadPolicy } from '../load.ts'
import { lockOf, lockText, type ResolvedName } from '../lock-text.ts'
import { lockedNames } from '../locked-names.ts'
import type { Asked } from './bound.ts'
import { Cannot, type Finding } from './cannot.ts'
import { narrowed } from './narrow.ts'
import { policyText, type WrittenGrant } from './policy-text.ts'
import type { ImportedRule, Setting } from './rule.ts'
import { subjectWanted } from './subject.ts'
import { meetWanted, ownerName, type Wanted, wantedOf } from './wanted.ts'

export interface ImportedPolicy {
  /** A policy's file. */
  readonly text: string
  /** Names that need `mayfly policy lock`; an id is what the documents say it must be. */
  readonly names: readonly (Omit<ResolvedName, 'id'> & { readonly id?: string })[]
  readonly findings: readonly (Finding & { readonly rule: string })[]
}

/** Throws `Cannot` when nothing of the rules can be in a policy. */
export function compose(rules: readonly ImportedRule[], setting: Setting): ImportedPolicy {
  const findings: (Finding & { readonly rule: string })[] = []
  let grants = rules.flatMap((rule) => {
    const tell = (finding: Finding) => {
      if (
        !findings.some((other) => JSON.stringify(other) === JSON.stringify({ ...finding, rule: rule.name }))
      )
        findings.push({ ...finding, rule: rule.name })
    }
    rule.findings.forEach(tell)
    const all = rule.alternatives.flatMap((asked) => grantsOf(asked, rule, setting, tell))
    const once = [...new Map(all.map((wanted) => [JSON.stringify([...wanted]), wanted])).values()]
    return once.map(
      (wanted, at): WrittenGrant => ({
        name: once.length === 1 ? rule.name : `${rule.name}-${at + 1}`,
        rule,
        wanted,
      }),
    )
  })
  for (;;) {
    const ids = ownerIds(grants, setting)
    const owners = [
      ...new Set([
        ...setting.owners.map(({ name }) => name.toLowerCase()),
        ...grants.flatMap(({ wanted }) => ownersIn(wanted)),
      ]),
    ]
    if (grants.length === 0 || owners.length === 0) throw new Cannot(nothingLeft(findings, grants.length > 0))
    const text = policyText(grants, owners, setting)
    const names = lockedNames([{ path: 'imported.policy.yaml', text }]).names.map(({ section, name }) => {
      const id = section === 'owners' ? ids.get(name) : undefined
      return { section, name, ...(id === undefined ? {} : { id }) }
    })
    const refused = refusals(text, names)
    if (refused.size === 0) return { text, names, findings }
    for (const [name, message] of refused) {
      const grant = grants.find((each) => each.name === name)
      findings.push({
        rule: grant?.rule.name ?? name,
        code: 'refused',
        at: name,
        message,
        effect: 'left out',
      })
    }
    const rest = grants.filter(({ name }) => !refused.has(name))
    if (rest.length === grants.length)
      throw new Cannot(`the policy would not load: ${[...refused.values()].join('; ')}`)
    grants = rest
  }
}

function nothingLeft(findings: readonly Finding[], ownerless: boolean): string {
  if (ownerless) return 'no rule says which owner it is for; name yours: --owner NAME'
  const out = findings
    .filter(({ effect }) => effect === 'left out')
    .map(({ at, message }) => `\`${at}\`: ${message}`)
  return ['nothing of it can be in a policy', ...out].join('\n')
}

function grantsOf(
  asked: Asked,
  rule: ImportedRule,
  setting: Setting,
  tell: (finding: Finding) => void,
): readonly Wanted[] {
  const shown =
    [...asked].map(([claim, { likes }]) => `${claim} ${likes.join(', ')}`.trim()).join('; ') || rule.name
  const say = (code: string, message: string, effect: Finding['effect']) =>
    tell({ code, at: shown, message, effect })
  let all: readonly Wanted[] = [new Map()]
  for (const [claim, bound] of asked) {
    const parts = claim === 'sub' ? subjectWanted(bound, tell) : wantedOf(claim, bound)
    if (parts.length === 0 && claim !== 'sub')
      say(
        'claim-not-understood',
        `the policy language has no words for what is asked of \`${claim}\``,
        'left out',
      )
    const met = all.flatMap((made) =>
      parts.map((part) => meetWanted(made, part)).filter((each) => each !== undefined),
    )
    if (met.length === 0 && all.length > 0 && parts.length > 0)
      say(
        'subject-contradicts',
        `what is asked of \`${claim}\` and of the others fits no job, or has no words`,
        'left out',
      )
    all = met
  }
  if (!asked.has('sub') && asked.has('environment') === false && asked.has('repository'))
    say(
      'no-owner-id',
      'names can be registered again by others; the policy takes ids from the lock',
      'narrowed',
    )
  return all.map((wanted) => narrowed(wanted, rule, setting, say)).filter((each) => each !== undefined)
}

/** Ids of owners: as the documents pair them with names; one id that is left is the one name's that is left. */
function ownerIds(grants: readonly WrittenGrant[], { owners }: Setting): ReadonlyMap<string, string> {
  const ids = new Map(
    owners.flatMap(({ name, id }) => (id === undefined ? [] : [[name.toLowerCase(), id] as const])),
  )
  const unnamed = new Set<string>()
  for (const { wanted } of grants) {
    const own = wanted.get('repository_owner_id')
    const named = ownersIn(wanted)
    const [id, more] = own?.is === 'exact' ? own.values : []
    if (id === undefined || more !== undefined) continue
    const [name] = named.length === 1 ? named : []
    if (name !== undefined && !ids.has(name) && ![...ids.values()].includes(id)) ids.set(name, id)
    else unnamed.add(id)
  }
  const left = owners.filter(({ name }) => !ids.has(name.toLowerCase()))
  for (const id of ids.values()) unnamed.delete(id)
  const [only, second] = left
  const [id, more] = unnamed
  if (only !== undefined && second === undefined && id !== undefined && more === undefined)
    ids.set(only.name.toLowerCase(), id)
  return ids
}

/** Owners by name: of `owner`, of repositories, of patterns of them. */
function ownersIn(wanted: Wanted): readonly string[] {
  return [ownerName, 'owner', 'repo', 'repository'].flatMap((key) => {
    const want = wanted.get(key)
    return want !== undefined && 'values' in want && want.is !== 'not'
      ? want.values.map((value) => (value.split('/')[0] ?? '').toLowerCase())
      : []
  })
}

/** Grants that the loader refuses, by name. */
function refusals(text: string, names: ImportedPolicy['names']): ReadonlyMap<string, string> {
  const file = { path: 'imported.policy.yaml', text }
  const standIns = names.map(
    (each, at): ResolvedName => ({ ...each, id: each.id ?? `8${String(at).padStart(17, '0')}` }),
  )
  const loaded = loadPolicy([file], { path: 'policy.lock.yaml', text: lockText(lockOf(standIns)) })
  if (loaded.ok) return new Map()
  const lines = text.split('\n')
  return new Map(
    loaded.problems
      .filter(({ severity }) => severity === 'error')
      .map(({ code, message, line }) => {
        const before = lines.slice(0, line).findLast((each) => each.startsWith('  - name: ')) ?? ''
        return [before.replace('  - name: ', '').replaceAll('"', ''), `${code}: ${message}`] as const
      }),
  )
}
