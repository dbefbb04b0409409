/**
 * subject: what a pattern of GitHub's `sub` says of a job, as conditions of claims. A `sub` is read as what it says: of the
 * two forms of a repository's name, with and without ids, both are meant; in the default form one with a ref is of a job
 * without an environment, and not of a pull request.
 */
import { lettersExcept, lettersIn, type Step, sequence } from '../automaton.ts'
import { compileGlob, globFault } from '../glob.ts'
import { contains, fromAutomaton, type Lang, listed } from '../lang.ts'
import type { Bound } from './bound.ts'
import type { Finding } from './cannot.ts'
import { meetWanted, ownerName, type Want, type Wanted } from './wanted.ts'

/** Keys that a template may have, and what they are called in a policy. */
const keys: ReadonlyMap<string, string> = new Map([
  ...[
    ...[
      'repository_id',
      'repository_owner_id',
      'actor_id',
      'ref',
      'ref_type',
      'ref_protected',
      'environment',
    ],
    ...['event_name', 'runner_environment', 'repository_visibility'],
  ].map((key) => [key, key] as const),
  ['repository', 'repo'],
  ['repository_owner', 'owner'],
  ['actor', 'actor'],
])

const exact = (...values: string[]): Want => ({ is: 'exact', values })
const absentWant: Want = { is: 'absent' }

/** Alternatives that are together inside what the subjects say; what is left out is told. */
export function subjectWanted(bound: Bound, tell: (finding: Finding) => void): readonly Wanted[] {
  const values = listed(bound.lang)
  const texts = values === undefined ? [...new Set(bound.likes)] : [...values]
  return texts.flatMap((text) => {
    const out = (code: string, message: string) => {
      tell({ code, at: text, message, effect: 'left out' })
      return []
    }
    if (values === undefined && bound.nots.length > 0)
      return out('subject-not-understood', 'a `sub` that must match and must not match cannot be taken apart')
    const reach = reachOf(bound, text)
    if (reach === undefined)
      return out('subject-not-understood', 'its wildcards are of a kind that a policy does not have')
    const read = oneSubject(text, reach, tell)
    return read === undefined ? [] : [read]
  })
}

/** How far a wildcard of the subject reached: over everything, not over colons, or not over separators. */
type Reach = 'all' | 'segments' | 'segment'

/** The widest reading of `*` that is inside what was written; `undefined`: a wildcard was less than a run. */
function reachOf({ lang }: Bound, text: string): Reach | undefined {
  if (!text.includes('*') || contains(lang, runs(text, ''))) return 'all'
  if (contains(lang, runs(text, ':'))) return 'segments'
  return contains(lang, compileGlob(text)) ? 'segment' : undefined
}

/** The text with any letters but some for each `*`: at least one where it stands alone between colons. */
function runs(text: string, except: string): Lang {
  const letters = lettersExcept(except)
  const steps = text.split(/(:)/).flatMap((segment): Step[] =>
    segment === '*' || segment === '**'
      ? [
          { letters, repeated: false },
          { letters, repeated: true },
        ]
      : [...segment].map((each) =>
          each === '*' ? { letters, repeated: true } : { letters: lettersIn(each), repeated: false },
        ),
  )
  return fromAutomaton(sequence(steps))
}

function oneSubject(text: string, reach: Reach, tell: (finding: Finding) => void): Wanted | undefined {
  const out = (code: string, message: string) => {
    tell({ code, at: text, message, effect: 'left out' })
    return undefined
  }
  const segments = text.split(':')
  if (/^\*+$/.test(text) || /^repo:\*/.test(text))
    return out(
      'any-repository',
      'every repository of GitHub matches, of any owner: nobody can be named for it',
    )
  const [first, repo = '', ...context] = segments
  const start = first === 'repo' ? repository(text, repo, tell) : new Map<string, Want>()
  if (start === undefined) return undefined
  const rest = first === 'repo' ? context : segments
  const met = contextOf({ text, reach, tell }, rest, first === 'repo')
  const all = met && meetWanted(start, met)
  if (met !== undefined && all === undefined)
    return out('subject-contradicts', 'it says two things of one claim')
  return all
}

/** `o/r`, `o@1/r@2`, `o/*`. An id wins over the name beside it: the name can be somebody else's by now. */
function repository(text: string, repo: string, tell: (finding: Finding) => void): Wanted | undefined {
  const note = (code: string, message: string, effect: Finding['effect']) =>
    tell({ code, at: text, message, effect })
  const [, owner = '', ownerId, name, repoId] =
    /^([^/@]+)(?:@([0-9]+|\*))?(?:\/([^/@]*)(?:@([0-9]+|\*))?)?$/.exec(repo) ?? []
  const wildOwner = owner.endsWith('*')
  const plainOwner = owner.replace(/\*$/, '')
  if (owner === '' || plainOwner.includes('*') || plainOwner === '') {
    note('subject-not-understood', 'its repository is not OWNER/NAME', 'left out')
    return undefined
  }
  if (wildOwner)
    note(
      'owner-prefix',
      `\`${owner}\` is every owner whose name begins so, \`${plainOwner}-evil\` too`,
      'narrowed',
    )
  if (ownerId === '*' || repoId === '*')
    note('any-id', '`@*` is every id: whoever registers the name again matches', 'narrowed')
  const wanted = new Map<string, Want>()
  const idOf = (id: string | undefined) => (id !== undefined && id !== '*' ? id : undefined)
  const [ownId, id] = [idOf(ownerId), idOf(repoId)]
  if (ownId === undefined) {
    if (id === undefined)
      note(
        'no-owner-id',
        'names can be registered again by others; the policy takes ids from the lock',
        'narrowed',
      )
  } else wanted.set('repository_owner_id', exact(ownId))
  if (id !== undefined)
    return wanted
      .set('repository_id', exact(id))
      .set(ownId === undefined ? 'owner' : ownerName, exact(plainOwner))
  if (ownId !== undefined) wanted.set(ownerName, exact(plainOwner))
  if (name === undefined || name === '*' || name === '') {
    note('every-repository', `every repository of \`${plainOwner}\` matches, those made tomorrow too`, 'note')
    return ownId === undefined ? wanted.set('owner', exact(plainOwner)) : wanted
  }
  if (!name.includes('*')) return wanted.set('repo', exact(`${plainOwner}/${name}`))
  const plain = name.replace(/\*$/, '')
  if (plain.includes('*')) return wanted.set('repository', { is: 'like', values: [`${plainOwner}/${name}`] })
  if (/[-_.]$/.test(plain)) {
    note(
      'repository-prefix',
      `\`${name}\` is every repository whose name begins so; whoever can make repositories can make one`,
      'note',
    )
    return wanted.set('repository', { is: 'like', values: [`${plainOwner}/${name}`] })
  }
  note(
    'repository-prefix',
    `\`${name}\` is \`${plain}-evil\` too; the policy names \`${plainOwner}/${plain}\` only`,
    'narrowed',
  )
  return wanted.set('repo', exact(`${plainOwner}/${plain}`))
}

/** What follows the repository: `ref:...`, `environment:...`, `pull_request`, or pairs of a template. */
function contextOf(reading: Reading, segments: readonly string[], repo: boolean): Wanted | undefined {
  const { text, reach, tell } = reading
  const [only, second] = segments
  if (repo && (only === undefined || (/^\*?$/.test(only) && second === undefined))) {
    if (reach !== 'all' || !text.endsWith('*')) {
      tell({
        code: 'subject-not-understood',
        at: text,
        message: 'no `sub` of GitHub ends there',
        effect: 'left out',
      })
      return undefined
    }
    tell({
      code: 'any-context',
      at: text,
      message: 'any branch, any tag, any environment and any pull request match',
      effect: 'narrowed',
    })
    return new Map()
  }
  if (repo && only === 'pull_request' && second === undefined)
    return new Map([
      ['event_name', exact('pull_request')],
      ['environment', absentWant],
    ])
  const wanted = pairs(reading, segments)
  const lone = repo && segments.length === 2 && only === 'ref'
  if (lone && wanted !== undefined) wanted.set('environment', absentWant)
  return wanted
}

interface Reading {
  readonly text: string
  readonly reach: Reach
  readonly tell: (finding: Finding) => void
}

function pairs({ text, reach, tell }: Reading, segments: readonly string[]): Map<string, Want> | undefined {
  const wanted = new Map<string, Want>()
  const out = (code: string, message: string) => {
    tell({ code, at: text, message, effect: 'left out' })
    return undefined
  }
  for (let at = 0; at < segments.length; at += 2) {
    const [key = '', value] = segments.slice(at, at + 2)
    if (value === undefined) {
      if (/^\*?$/.test(key) && at > 0 && reach === 'all') continue
      return out('subject-not-understood', `\`${key}\` is not a form of \`sub\` that GitHub has`)
    }
    const plain = value.replaceAll(/%3a/gi, ':')
    if (key === 'repo') {
      const own = repository(text, value, tell)
      if (own === undefined) return undefined
      for (const [name, want] of own) wanted.set(name, want)
    } else if (key === 'job_workflow_ref') {
      if (!workflowPair(plain, reach, wanted))
        return out('subject-not-understood', `\`${plain}\` does not name a workflow's file`)
    } else {
      const name = keys.get(key) ?? (key.startsWith('repo_property_') ? key : undefined)
      if (name === undefined)
        return out('caller-chosen', `\`${key}\` is chosen by whoever runs the job, or proves nothing`)
      const want = pairWant(name, plain, reach)
      if (want === 'fault')
        return out(
          'subject-not-understood',
          `\`${plain}\` is not a pattern of \`${key}\` that a policy can have`,
        )
      if (want !== undefined) wanted.set(name, want)
    }
  }
  return wanted
}

function pairWant(name: string, value: string, reach: Reach): Want | undefined | 'fault' {
  if (!value.includes('*')) return exact(name === 'environment' ? value.toLowerCase() : value)
  if (value === '*' && reach !== 'segment') return undefined
  const deep = reach !== 'segment'
  if (/_id$|^(?:repo|owner|actor)$/.test(name)) return 'fault'
  const values =
    deep && value.endsWith('/*')
      ? [`${value}*`]
      : deep && /[^/]\*$/.test(value) && name === 'ref'
        ? [value, `${value}/**`]
        : [value]
  return values.some((glob) => globFault(glob) !== undefined) ? 'fault' : { is: 'like', values }
}

function workflowPair(value: string, reach: Reach, wanted: Map<string, Want>): boolean {
  const [, repo = '', file = '', ref = ''] =
    /^([^/@:*]+\/[^/@:*]+)\/(\.github\/workflows\/[^/@:*]+)@(.+)$/.exec(value) ?? []
  if (repo === '') return false
  wanted.set('workflow.repo', exact(repo)).set('workflow.file', exact(file))
  if (ref === '*' && reach !== 'segment') return true
  if (ref.includes('*') && globFault(ref) !== undefined) return false
  wanted.set(
    'workflow.ref',
    ref.includes('*')
      ? { is: 'like', values: [reach === 'segment' ? ref : ref.replace(/\/\*$/, '/**')] }
      : exact(ref),
  )
  return true
}
