/**
 * What a person reads after the run. As HTML without an empty line, which GitHub's Markdown passes through as it is:
 * no claim value can then be a cell's end, a link or a heading.
 */
import type { FailingCondition, MayflyRefused } from '@mayfly/client/refusal'
import type { Granted } from './deliver.ts'
import { html } from './printable.ts'

/** A target, and why it was refused. */
export interface Refused {
  readonly target: string
  readonly refusal: MayflyRefused
}

export function grantedSummary(granted: readonly Granted[]): string {
  const rows = granted.map(({ target, credential, expiresAt }) => [
    code(target),
    code((credential.grants ?? []).join(', ')),
    code(credential.scope ?? ''),
    code(expiresAt),
    code(credential.leaseId),
  ])
  return [
    '<h3>Mayfly: granted for this job</h3>',
    table(['Target', 'Grant', 'Scope', 'Valid until', 'Lease'], rows),
    '<p>The post step of the job revokes it.</p>',
  ].join('\n')
}

export function refusedSummary(refused: readonly Refused[]): string {
  return refused.flatMap(({ target, refusal }) => refusedLines(target, refusal)).join('\n')
}

/** Preformatted, since the text may hold lines to copy; the empty line before it makes it a block of its own. */
export function failedSummary(text: string): string {
  return `<h3>Mayfly: no credential</h3>\n\n<pre>${text.split('\n').map(html).join('\n')}</pre>`
}

/** The same for the log and its annotation, under a title that says who refused what; one line for each condition. */
export function refusalText(refusal: MayflyRefused): string {
  const lines = [refusal.answered, summaryOf(refusal), ...refusal.advice].map(oneLine)
  for (const { grant, failing } of refusal.explanation?.grants ?? []) {
    for (const condition of failing) lines.push(oneLine(`- ${grant}: ${conditionText(condition)}`))
  }
  return lines.filter((line) => line !== '').join('\n')
}

/** Empty where it says no more than the conditions of the nearest grant, which follow it one by one. */
function summaryOf({ explanation }: MayflyRefused): string {
  if (explanation === undefined) return ''
  const { summary, grants } = explanation
  const [nearest] = grants
  const repeats =
    nearest !== undefined &&
    summary.startsWith(`${nearest.grant}: `) &&
    nearest.failing.every(({ claim, needed }) => summary.includes(claim) && summary.includes(needed))
  return repeats ? '' : summary
}

function refusedLines(target: string, refusal: MayflyRefused): readonly string[] {
  const rows = (refusal.explanation?.grants ?? []).flatMap(({ grant, failing }) =>
    failing.map(({ claim, got, needed, hint }) => [
      code(grant),
      code(claim),
      code(got),
      code(needed),
      html(hint ?? ''),
    ]),
  )
  const summary = summaryOf(refusal)
  return [
    `<h3>Mayfly refused ${code(target)}</h3>`,
    `<p>${html(refusal.answered)}</p>`,
    ...[summary, ...refusal.advice].flatMap((text) => (text === '' ? [] : [`<p>${html(text)}</p>`])),
    ...(rows.length === 0
      ? []
      : [table(['Grant', 'Condition', 'The token had', 'Needed', 'What to change'], rows)]),
  ]
}

function conditionText({ claim, got, needed, hint }: FailingCondition): string {
  return `${claim} is ${got}, needs ${needed}${hint === undefined ? '' : `. ${hint}`}`
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: 'th' | 'td') =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`
  return ['<table>', row(heads, 'th'), ...rows.map((cells) => row(cells, 'td')), '</table>'].join('\n')
}

/** Inside `code`, GitHub makes no links of names and addresses. */
function code(text: string): string {
  return text === '' ? '' : `<code>${html(text)}</code>`
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').trim()
}
