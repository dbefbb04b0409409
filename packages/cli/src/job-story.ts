/** What the log holds of one job or one lease, in order: who asked, what was given, where it was used, how it ended. */
import { carriedInWords, lostInWords, outcomeInWords } from './request-words.ts'

/** One entry as the log has it. Its members are text of others: print them with care. */
export interface StoryEntry {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly type: string
  readonly [member: string]: unknown
}

/** Which job, as `leases list` shows it (`github/5551`, or a run `github/77/1`), or which lease. */
export type Chosen = { readonly lease: string } | { readonly issuer: string; readonly job: string }

/** Takes the entries of a log in their order and keeps those of the story. Leases are of the job that they were given to. */
export function openStory(chosen: Chosen): {
  readonly entries: readonly StoryEntry[]
  take(line: string): void
} {
  const entries: StoryEntry[] = []
  const leases = new Set<string>('lease' in chosen ? [chosen.lease] : [])
  const targets = new Set<string>()
  return {
    entries,
    take(line) {
      const entry = entryOf(line)
      if (entry === undefined) return
      const { lease, session } = entry
      const isOurs =
        (typeof lease === 'string' && leases.has(lease)) ||
        (typeof session === 'string' && leases.has(session)) ||
        ('job' in chosen && isOfJob(entry['job'], chosen)) ||
        // Nobody knows any more whose they were.
        (isRecord(entry['counts']) && Object.keys(entry['counts']).some((target) => targets.has(target)))
      if (!isOurs) return
      if (typeof lease === 'string') leases.add(lease)
      if (typeof entry['target'] === 'string') targets.add(entry['target'])
      entries.push(entry)
    },
  }
}

function entryOf(line: string): StoryEntry | undefined {
  const parsed: unknown = JSON.parse(line)
  if (!isRecord(parsed) || !isRecord(parsed['entry'])) return undefined
  const { id, at, type } = parsed['entry']
  return typeof id === 'string' && typeof at === 'number' && typeof type === 'string'
    ? { ...parsed['entry'], id, at, type }
    : undefined
}

function isOfJob(job: unknown, chosen: { readonly issuer: string; readonly job: string }): boolean {
  if (!isRecord(job) || job['issuer'] !== chosen.issuer) return false
  return job['id'] === chosen.job || job['run'] === chosen.job
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** In order of time: entries of requests are written some time after their end. Answers stand with their requests. */
export function linesOf(
  entries: readonly StoryEntry[],
): readonly { readonly entry: StoryEntry; readonly words: string }[] {
  const answers = new Map(
    entries.flatMap((entry) => (entry.type === 'route.answered' ? [[entry['request'], entry]] : [])),
  )
  const shown = new Map(entries.map((entry) => [entry.id, entry]))
  // An entry may have been written twice where the store did not say that it was.
  return [...shown.values()]
    .filter((entry) => entry.type !== 'route.answered' || !shown.has(String(entry['request'])))
    .toSorted((one, other) => one.at - other.at)
    .map((entry) => ({ entry, words: inWords({ outcome: answers.get(entry.id)?.['outcome'], ...entry }) }))
}

/** One entry in words, for a line of a terminal. */
function inWords(entry: StoryEntry): string {
  const of = (name: string) => shown(entry[name])
  const because = entry['reason'] === undefined ? '' : `: ${of('reason')}`
  switch (entry.type) {
    case 'session.opened':
      return `logged in (${of('via')}) as ${of('subject')}`
    case 'credential.pending':
      return `asked for ${of('target')} (${of('via')}), granted by ${of('grants')}; being made`
    case 'credential.issued':
      return `got ${of('target')} (${of('via')}), ${scopesOf(entry)}granted by ${of('grants')}, for ${of('seconds')} s`
    case 'credential.refused':
      return `was refused ${of('target')} (${of('via')})${because}`
    case 'route.admitted':
      return `let in at ${of('route')}: ${of('action')}`
    case 'route.refused':
      return `refused at ${of('route')}: ${of('action')}${because}`
    case 'route.request':
      return `at ${of('route')}: ${carriedInWords(entry['carried'])}${outcomeInWords(entry['outcome'])}`
    case 'route.answered':
      return `an answer to ${of('request')}${outcomeInWords(entry['outcome'])}`
    case 'requests.lost':
      return lostInWords(entry['counts'])
    case 'lease.ended':
      return `${of('target')} ended: ${of('state')}, by ${of('by')}${entry['detail'] === undefined ? '' : ` (${of('detail')})`}`
    case 'job.ended':
      return `the job ended (${of('via')})`
    default:
      return entry.type
  }
}

function scopesOf({ scopes }: StoryEntry): string {
  return Array.isArray(scopes) && scopes.length > 0 ? `scopes ${shown(scopes)}, ` : ''
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map(shown).join(', ')
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '-'
}
