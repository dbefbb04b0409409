/** fix/policy: the policy by which the patched jobs get what they ask for, with guardrails and tests. */
import { text } from '@mayfly/policy/convert/policy-text'
import { member, textsOf } from '@mayfly/policy/document-tree'
import { type Environment, type JobFix, slug, type Target } from './plan.ts'
import { type Source, sourceNotes, sourcesOf } from './sources.ts'

interface Grant {
  readonly name: string
  readonly source: Source
  readonly fix: JobFix
  readonly events: readonly string[]
  readonly targets: readonly Target[]
}

const LIFETIME = '30m'

export interface PolicySetting {
  /** `acme/shop` */
  readonly repository: string
  /** For events that say none. */
  readonly branch: string
}

/** The policy's file, and what to mend in it before it is used. */
export function policyOf(
  fixes: readonly JobFix[],
  setting: PolicySetting,
): { readonly text: string; readonly notes: readonly string[] } {
  // Two things that would have one name are both written: the loader refuses that, and nothing is proposed.
  const targets = [
    ...new Map(
      fixes.flatMap(({ replaced }) => replaced.map(({ target }) => [identityOf(target), target] as const)),
    ).values(),
  ].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const grants = merged(
    fixes.flatMap((fix) => grantsOf(fix, setting)),
    setting,
  )
  const [owner = ''] = setting.repository.split('/')
  const lines = [
    'version: 1',
    'issuers:',
    `  github: { owners: [${text(owner)}] }`,
    'targets:',
    ...targets.map((target) => targetLine(target)),
    'grants:',
    ...grants.flatMap((grant) => grantLines(grant, setting)),
    'guardrails:',
    ...guardrails(targets, grants, setting),
    'tests:',
    ...grants.flatMap((grant) => tests(grant, setting)),
    '',
  ]
  const workflows = [...new Set(fixes.map(({ workflow }) => workflow))]
  return { text: lines.join('\n'), notes: [...targets.map(noteOf), ...workflows.flatMap(sourceNotes)] }
}

function identityOf({ name, kind, tier, secret }: Target): string {
  return JSON.stringify([name, kind, tier, kind === 'secret' ? secret : ''])
}

function targetLine({ name, kind, tier, secret }: Target): string {
  const settings =
    kind === 'aws_role'
      ? `aws_role: "arn:aws:iam::111122223333:role/${name}" } # the role that may do what the key may`
      : `secret: ${text(name)} } # what ${secret} was at the platform`
  return `  ${text(name)}: { tier: ${tier}, access: write, max: ${LIFETIME}, ${settings}`
}

function noteOf({ name, kind, secret }: Target): string {
  return kind === 'aws_role'
    ? `target \`${name}\`: write the role's ARN; the role trusts the broker (docs/guide/target-aws.md)`
    : `target \`${name}\`: connections.secret.${name}: { sealed: true }, then \`mayfly secrets put ${name}\` with the value of ${secret} (docs/guide/target-secret.md)`
}

function grantsOf(fix: JobFix, { branch }: PolicySetting): readonly Grant[] {
  const { workflow, job } = fix
  const targets = [...new Map(fix.replaced.map(({ target }) => [target.name, target])).values()]
  const [file = ''] = workflow.path.split('/').slice(-1)
  const name = `${slug(file.replace(/\.ya?ml$/, ''))}-${slug(job.name)}`
  const found = sourcesOf(workflow, job, branch)
  const groups = Map.groupBy(found, ({ source }) => refOf(source))
  return [...groups.values()].flatMap((group) => {
    const events = [...new Set(group.map(({ event }) => event))]
    return group.slice(0, 1).map(({ source }) => ({ name, source, events, fix, targets }))
  })
}

/** Grants that ask the same of a job are one. */
function merged(grants: readonly Grant[], setting: PolicySetting): readonly Grant[] {
  const groups = Map.groupBy(grants, (grant) => who(grant, setting))
  const names = new Map<string, number>()
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const number = (names.get(first.name) ?? 0) + 1
    names.set(first.name, number)
    const targets = [
      ...new Map(group.flatMap(({ targets }) => targets.map((each) => [each.name, each] as const))).values(),
    ]
    return [{ ...first, name: number === 1 ? first.name : `${first.name}-${number}`, targets }]
  })
}

const refOf = ({ word, pattern }: Source) => `refs/${word === 'tag' ? 'tags' : 'heads'}/${pattern}`
const like = (pattern: string) =>
  pattern.endsWith('*') ? `{ like: ${JSON.stringify(pattern)} }` : text(pattern)

function who({ source, events, fix }: Grant, { repository }: PolicySetting): string {
  const { environment, workflow, job } = fix
  const named =
    environment.is === 'named'
      ? text(environment.name)
      : `{ ${environment.is === 'any' ? 'any' : 'absent'}: true }`
  const own = textsOf(member(job.node, 'runs-on')).includes('self-hosted')
  return [
    `repo: ${text(repository)}`,
    `${source.word}: ${like(source.pattern)}`,
    `environment: ${named}`,
    `event: [${events.join(', ')}]`,
    `runner_environment: ${own ? 'self-hosted' : 'github-hosted'}`,
    `workflow: { repo: ${text(repository)}, file: ${text(workflow.path)}, ref: ${like(refOf(source))} }`,
  ].join(', ')
}

function grantLines(grant: Grant, setting: PolicySetting): readonly string[] {
  return [
    `  - name: ${grant.name}`,
    `    who: { ${who(grant, setting)} }`,
    `    get: [${grant.targets.map(({ name }) => text(name)).join(', ')}]`,
    `    for: ${LIFETIME}`,
  ]
}

const proposals = '[pull_request, pull_request_target, issue_comment, issues, workflow_run]'

function guardrails(
  targets: readonly Target[],
  grants: readonly Grant[],
  { repository }: PolicySetting,
): readonly string[] {
  const all = `[${targets.map(({ name }) => text(name)).join(', ')}]`
  const production = [
    ...new Set(
      grants
        .filter(({ targets }) => targets.some(({ tier }) => tier === 'production'))
        .flatMap(({ fix }) => (fix.environment.is === 'named' ? [text(fix.environment.name)] : [])),
    ),
  ]
  const apart = `  - { name: production only in its environment, only: { environment: [${production.join(', ')}] }, get: { tier: production } }`
  return [
    `  - { name: only this repository, only: { repo: ${text(repository)} }, get: ${all} }`,
    `  - { name: nothing that outsiders start, never: { event: ${proposals} }, get: ${all} }`,
    `  - { name: credentials are short, max: ${LIFETIME}, get: ${all} }`,
    ...(production.length === 0 ? [] : [apart]),
  ]
}

function tests(grant: Grant, { repository }: PolicySetting): readonly string[] {
  const { source, events, fix, name } = grant
  const [event = 'push'] = events
  const environment = environmentOf(fix.environment)
  const token = (ref: string, why: string) => {
    const own = textsOf(member(fix.job.node, 'runs-on')).includes('self-hosted')
    const file = `${repository}/${fix.workflow.path}@refs/${source.word === 'tag' ? 'tags' : 'heads'}/${ref}`
    const runner = own ? ', runner_environment: self-hosted' : ''
    return `repo: ${text(repository)}, ${source.word}: ${text(ref)}${environment}, event: ${why}, workflow: ${JSON.stringify(file)}${runner}`
  }
  const good = source.pattern.replace('*', '1')
  const line = (what: string, of: string, asks: string, expect: string) =>
    `  - { name: ${text(`${name}: ${what}`)}, token: { ${of} }, asks: ${text(asks)}, expect: ${expect} }`
  return grant.targets.flatMap(({ name: asks }) => [
    line(`gets ${asks}`, token(good, event), asks, 'grant'),
    line(`not ${asks} elsewhere`, token(`elsewhere-${slug(good)}`, event), asks, 'deny'),
    line(`not ${asks} for outsiders`, token(good, 'issue_comment'), asks, 'deny'),
  ])
}

function environmentOf(environment: Environment): string {
  if (environment.is === 'none') return ''
  return `, environment: ${environment.is === 'named' ? text(environment.name) : 'production'}`
}
