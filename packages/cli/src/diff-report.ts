/** What a changed policy changes, for a person: production first, one change in a few lines. */
import type { AccessChange, LifetimeChange } from '@mayfly/policy/changes'
import { isEmptyDiff, type PolicyDiff } from '@mayfly/policy/diff'
import { printable } from './table.ts'

/** For a terminal. */
export function diffText(diff: PolicyDiff): string {
  if (isEmptyDiff(diff)) return 'no change in access\n'
  const lines = [
    ...productionFirst(diff.gained).flatMap((change) => access('+ gains', change)),
    ...productionFirst(diff.lost).flatMap((change) => access('- loses', change)),
    ...diff.lifetimes.flatMap(lifetime),
    ...diff.targets.map(
      ({ target, change, before, after }) => `~ target ${target}: ${change} ${before} -> ${after}`,
    ),
    ...diff.guardrails.map(({ guardrail, change }) => `~ guardrail ${guardrail}: ${change}`),
    verdict(diff),
  ]
  return `${lines.map(printable).join('\n')}\n`
}

function access(word: string, change: AccessChange): readonly string[] {
  return [
    `${word} ${what(change)} by ${change.cause}`,
    `    such as ${sample(change)}`,
    `    ${placeOf(change)}`,
  ]
}

function lifetime(change: LifetimeChange): readonly string[] {
  return [
    `~ ${what(change)}: ${change.before} s -> ${change.after} s by ${change.cause}`,
    `    such as ${sample(change)}`,
  ]
}

function what({ target, tier, scopes }: AccessChange): string {
  return `${target} (${tier})${scopes.length === 0 ? '' : ` ${scopes.join(' ')}`}`
}

function sample({ issuer, sample: claims }: AccessChange): string {
  const said = Object.entries(claims).map(([claim, value]) => `${claim} ${value ?? 'missing'}`)
  return said.length === 0 ? `any token of ${issuer}` : said.join(', ')
}

function placeOf({ place }: AccessChange): string {
  return `${place.path}:${place.line}:${place.column}`
}

function verdict({ productionGained, complete }: PolicyDiff): string {
  if (!complete) return 'NOT ALL COULD BE TOLD: read the change itself'
  return productionGained ? 'PRODUCTION IS CONCERNED' : 'nobody gains anything in production'
}

function productionFirst<C extends { readonly tier: string }>(changes: readonly C[]): readonly C[] {
  return changes.toSorted((a, b) => Number(b.tier === 'production') - Number(a.tier === 'production'))
}

/** For a comment on a pull request. Names come from the policy's author: none of them may become markup. */
export function diffMarkdown(diff: PolicyDiff): string {
  if (isEmptyDiff(diff)) return '**Policy:** no change in access.\n'
  const head = `**Policy:** ${verdict(diff).toLowerCase()}.`
  const rows = (changes: readonly AccessChange[]) =>
    productionFirst(changes).map(
      (change) =>
        `| ${[what(change), change.cause, sample(change), placeOf(change)].map(cell).join(' | ')} |`,
    )
  const section = (title: string, changes: readonly AccessChange[]) =>
    changes.length === 0
      ? []
      : ['', `**${title}**`, '', '| what | by | such as | where |', '|---|---|---|---|', ...rows(changes)]
  const others = [
    ...diff.lifetimes.map(
      (change) => `${what(change)} lives ${change.after} s instead of ${change.before} s`,
    ),
    ...diff.targets.map(
      ({ target, change, before, after }) => `target ${target}: ${change} ${before} -> ${after}`,
    ),
    ...diff.guardrails.map(({ guardrail, change }) => `guardrail ${guardrail}: ${change}`),
  ]
  const list = others.length === 0 ? [] : ['', ...others.map((other) => `- ${cell(other)}`)]
  return `${[head, ...section('Gained', diff.gained), ...section('Lost', diff.lost), ...list].join('\n')}\n`
}

function cell(text: string): string {
  return printable(text).replaceAll(/[\\`*_[\]<>|&#@]/g, (letter) => `&#${letter.charCodeAt(0)};`)
}
