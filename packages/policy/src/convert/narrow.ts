/**
 * narrow: imported conditions as a policy accepts them. What the policy language refuses on purpose - every branch, every
 * event, a reusable workflow of any version - is narrowed to what was probably meant, and told.
 */
import { compileGlob, globFault } from '../glob.ts'
import { contains, listed, literals, nothing, union } from '../lang.ts'
import { github } from '../schema/github.ts'
import type { Finding } from './cannot.ts'
import type { ImportedRule, Setting } from './rule.ts'
import { meetWanted, type Want, type Wanted } from './wanted.ts'

type Tell = (code: string, message: string, effect: Finding['effect']) => void

const { event: events, anybodys } = github.parts

/** `undefined`: the alternative is left out. */
export function narrowed(
  wanted: Wanted,
  rule: ImportedRule,
  setting: Setting,
  tell: Tell,
): Wanted | undefined {
  const named = identified(wanted, setting, tell)
  const timed = named && withEvents(named, rule, setting, tell)
  return timed && pinned(timed, rule, setting, tell)
}

/** Whose job it is. */
function identified(wanted: Wanted, { owners }: Setting, tell: Tell): Wanted | undefined {
  const known = ['repo', 'repository', 'repository_id', 'owner', 'repository_owner_id', 'workflow.repo']
  if (known.some((key) => wanted.has(key))) return wanted
  if (owners.length === 0) {
    tell(
      'any-repository',
      'it says nothing about whose job it is: every repository of GitHub matches',
      'left out',
    )
    return undefined
  }
  tell(
    'any-repository',
    'it says nothing about whose job it is: every repository of GitHub matches; the policy takes your owners only',
    'narrowed',
  )
  return new Map(wanted).set('owner', { is: 'exact', values: owners.map(({ name }) => name) })
}

/** A grant lists its events; some of them nobody may write by. */
function withEvents(
  wanted: Wanted,
  { access }: ImportedRule,
  { tier }: Setting,
  tell: Tell,
): Wanted | undefined {
  const said = wanted.get('event_name')
  if (said === undefined || said.is === 'any') {
    tell('any-event', `any event matches; the policy takes ${events?.standard.join(', ')}`, 'narrowed')
    const next = new Map(wanted)
    next.delete('event_name')
    return next
  }
  const all = [...(events?.standard ?? []), ...(events?.proposal ?? []), ...(events?.outsider ?? [])]
  const values =
    said.is === 'exact'
      ? said.values
      : said.is === 'not'
        ? all.filter((value) => !said.values.includes(value))
        : []
  const refused = values.filter(
    (value) =>
      access !== 'read' &&
      (events?.outsider.includes(value) || (tier === 'production' && events?.proposal.includes(value))),
  )
  const kept = values.filter((value) => !refused.includes(value))
  if (refused.length > 0)
    tell(
      'outsiders-event',
      `${refused.join(', ')}: whoever proposes a change, or any outsider, decides what runs`,
      kept.length === 0 ? 'left out' : 'narrowed',
    )
  const proposals = kept.filter((value) => events?.proposal.includes(value))
  if (proposals.length > 0)
    tell('pull-request', `${proposals.join(', ')}: whoever proposes a change writes what runs`, 'note')
  return kept.length === 0 ? undefined : new Map(wanted).set('event_name', { is: 'exact', values: kept })
}

/** What code runs: a branch, a tag, an environment or a reusable workflow. */
function pinned(
  wanted: Wanted,
  { access }: ImportedRule,
  { branch, tier }: Setting,
  tell: Tell,
): Wanted | undefined {
  const ref = `refs/heads/${branch}`
  const limited = (from: Wanted, key: string): Wanted | undefined => {
    const met = meetWanted(from, new Map([[key, { is: 'exact', values: [ref] }]]))
    if (met === undefined)
      tell(
        'another-branch',
        `\`${ref}\`, which stands for any branch, is not among them; say --branch`,
        'left out',
      )
    return met
  }
  let next: Wanted | undefined = wanted
  const workflow = wanted.has('workflow.repo') || wanted.has('workflow.file')
  if (workflow && tier === 'production' && !pins('workflow.ref', wanted.get('workflow.ref'))) {
    tell(
      'any-workflow-version',
      `the reusable workflow matches from any of its branches; the policy takes \`${ref}\``,
      'narrowed',
    )
    next = limited(wanted, 'workflow.ref')
    if (next === undefined) return undefined
  }
  const environment = wanted.get('environment')
  const named = environment?.is === 'exact' || environment?.is === 'like'
  if (named && !pins('ref', wanted.get('ref')))
    tell(
      'environment-without-branch',
      'an environment is a name in the job; without protection rules any branch has it',
      'note',
    )
  if (access === 'read' || named || workflow || pins('ref', wanted.get('ref'))) return next
  tell('any-branch', `any branch matches; the policy takes \`${branch}\``, 'narrowed')
  return limited(next, 'ref')
}

function pins(claim: string, want: Want | undefined): boolean {
  if (want?.is === 'exact') return want.values.some((value) => value !== '')
  if (want?.is !== 'like') return false
  const lang = want.values.reduce(
    (sum, value) =>
      union(
        sum,
        globFault(value) === undefined && value.includes('*') ? compileGlob(value) : literals([value]),
      ),
    nothing,
  )
  const anybody = anybodys.get(claim)
  return anybody === undefined || listed(lang) !== undefined || !contains(lang, anybody)
}
