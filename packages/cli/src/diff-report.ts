/** What a changed policy changes, for a person: production first, one change in a few lines. */
import type { AccessChange, LifetimeChange } from '@mayfly/policy/changes'
import { isEmptyDiff, type PolicyDiff } from '@mayfly/policy/diff'
import { printable } from './table.ts'
import { wrapped } from './wrap.ts'

/** Changes in one list; a person reads no more, and `--json` has them all. */
const mostChanges = 50
/** Targets that are named for one cause. */
const mostTargets = 4

/** What one rule changes: for several targets, by several boxes of several grants. */
interface Merged<C extends AccessChange> {
  readonly first: C
  readonly changes: readonly C[]
}

/** For a terminal. */
export function diffText(diff: PolicyDiff): string {
  if (isEmptyDiff(diff)) return 'no change in access\n'
  const lines = [
    ...listed(merged(diff.gained), (each) => access('+ gains', each)),
    ...listed(merged(diff.lost), (each) => access('- loses', each)),
    ...listed(mergedLifetimes(diff), lifetime),
    ...listed(plainChanges(diff), (line) => [`~ ${line}`]),
    verdict(diff),
  ]
  return `${lines.map(printable).flatMap(wrapped).join('\n')}\n`
}

function listed<T>(items: readonly T[], lines: (item: T) => readonly string[]): readonly string[] {
  const more = items.length - mostChanges
  return [
    ...items.slice(0, mostChanges).flatMap(lines),
    ...(more > 0 ? [`  and ${more} more; see --json`] : []),
  ]
}

function access(word: string, change: Merged<AccessChange>): readonly string[] {
  return [`${word} ${what(change)}${because(change)}`, ...details(change)]
}

function lifetime(change: Merged<LifetimeChange>): readonly string[] {
  return [`~ ${what(change)}: ${duration(change)}${because(change)}`, ...details(change)]
}

function because({ first: { cause } }: Merged<AccessChange>): string {
  return cause.startsWith('grant ') ? ` by ${cause}` : `: ${cause}`
}

function details(change: Merged<AccessChange>): readonly string[] {
  return [`    such as ${sample(change)}`, `    ${placeOf(change)}`]
}

function duration({ first: { before, after } }: Merged<LifetimeChange>): string {
  return `${before} s -> ${after} s`
}

function what({ changes }: Merged<AccessChange>): string {
  const targets = new Set(
    changes.map(({ target, tier, scopes }) => [`${target} (${tier})`, ...scopes].join(' ')),
  )
  const named = [...targets].slice(0, mostTargets).join(', ')
  return targets.size > mostTargets ? `${named} and ${targets.size - mostTargets} more` : named
}

function sample({ first, changes }: Merged<AccessChange>): string {
  const samples = new Set(changes.map(sampleOf))
  const others = samples.size - 1
  return sampleOf(first) + (others > 0 ? `; and ${others} other ${others === 1 ? 'case' : 'cases'}` : '')
}

function sampleOf({ issuer, sample: claims }: AccessChange): string {
  const said = Object.entries(claims).map(([claim, value]) => `${claim} ${value ?? 'missing'}`)
  return said.length === 0 ? `any token of ${issuer}` : said.join(', ')
}

function placeOf({ first: { place, placeIn } }: Merged<AccessChange>): string {
  return `${place.path}:${place.line}:${place.column}${placeIn === 'before' ? ' of the old policy' : ''}`
}

function verdict({ productionGained, complete }: PolicyDiff): string {
  if (!complete) return 'NOT ALL COULD BE TOLD: read the change itself'
  return productionGained ? 'PRODUCTION IS CONCERNED' : 'nobody gains anything in production'
}

/** Pieces of the same rule are one change to a person; tiers are kept apart, so that production is never hidden. */
function merged<C extends AccessChange>(changes: readonly C[], more: (change: C) => string = () => '') {
  const same = Map.groupBy(changes, (change) => {
    const { cause, place, tier } = change
    return JSON.stringify([cause, place.path, place.line, place.column, tier, more(change)])
  })
  const all = [...same.values()].flatMap((group): Merged<C>[] => {
    const [first] = group
    return first === undefined ? [] : [{ first, changes: group }]
  })
  const rank = ({ first }: Merged<C>) => Number(first.tier === 'production')
  return all.toSorted((a, b) => rank(b) - rank(a))
}

function mergedLifetimes({ lifetimes }: PolicyDiff): readonly Merged<LifetimeChange>[] {
  return merged(lifetimes, ({ before, after }) => `${before} ${after}`)
}

/** What of the rules themselves is another. */
function plainChanges({ targets, guardrails }: PolicyDiff): readonly string[] {
  const rank = ({ tier }: { readonly tier: string }) => Number(tier === 'production')
  return [
    ...targets
      .toSorted((a, b) => rank(b) - rank(a))
      .map(({ target, change, before, after }) =>
        change === 'added' || change === 'removed'
          ? `target ${target}: ${change} (${before || after})`
          : `target ${target}: ${change} ${before} -> ${after}`,
      ),
    ...guardrails.map(({ guardrail, change }) => `guardrail ${guardrail}: ${change}`),
  ]
}

/** GitHub refuses a comment of more than 65,536 letters: so many for each of the three lists. */
const mostLetters = 20_000
/** Of one cell, before its letters are escaped. */
const mostInCell = 300

/** For a comment on a pull request. Names come from the policy's author: none of them may become markup. */
export function diffMarkdown(diff: PolicyDiff): string {
  if (isEmptyDiff(diff)) return '**Policy:** no change in access.\n'
  const head = `**Policy:** ${verdict(diff).toLowerCase()}.`
  const section = (title: string, changes: readonly AccessChange[]) => {
    const rows = merged(changes).map(
      (change) =>
        `| ${[what(change), change.first.cause, sample(change), placeOf(change)].map(cell).join(' | ')} |`,
    )
    const top = ['', `**${title}**`, '', '| what | by | such as | where |', '|---|---|---|---|']
    return rows.length === 0 ? [] : [...top, ...fitting(rows, (more) => `| and ${more} more | | | |`)]
  }
  const others = [
    ...mergedLifetimes(diff).map((change) => `${what(change)}: ${duration(change)}${because(change)}`),
    ...plainChanges(diff),
  ].map((other) => `- ${cell(other)}`)
  const list = others.length === 0 ? [] : ['', ...fitting(others, (more) => `- and ${more} more`)]
  return `${[head, ...section('Gained', diff.gained), ...section('Lost', diff.lost), ...list].join('\n')}\n`
}

function fitting(lines: readonly string[], rest: (more: number) => string): readonly string[] {
  let letters = 0
  const most = lines.findIndex((line, at) => {
    letters += line.length + 1
    return letters > mostLetters || at === mostChanges
  })
  return most < 0 ? lines : [...lines.slice(0, most), rest(lines.length - most)]
}

function cell(text: string): string {
  const short = text.length > mostInCell ? `${text.slice(0, mostInCell)}...` : text
  return printable(short).replaceAll(/[\\`*_[\]<>|&#@]/g, (letter) => `&#${letter.charCodeAt(0)};`)
}
