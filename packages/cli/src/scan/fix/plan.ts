/**
 * fix: what `mayfly scan --fix` proposes: a policy and a patch of the workflows by which jobs ask the broker for what they
 * had as static secrets. It proposes only what it can carry out whole; for every other use it says why it stays.
 *
 * This file decides which uses of secrets of which jobs those are.
 */

import { entriesOf, member, type Node, textOf, textsBelow, textsOf } from '@mayfly/policy/document-tree'
import { credentialOf, isIdentifier } from '../credentials.ts'
import { type SecretUse, secretUses } from '../secret-use.ts'
import type { Job, Workflow } from '../workflow.ts'
import { hasHalfKey, isAws } from './aws-keys.ts'

/** A target that takes the place of a secret, for one environment. */
export interface Target {
  readonly name: string
  readonly kind: 'aws_role' | 'secret'
  readonly tier: 'production' | 'staging' | 'shared'
  /** Of the secret at the platform. */
  readonly secret: string
}

/** A use that is replaced, and by what. */
export interface Replaced {
  readonly use: SecretUse
  readonly target: Target
}

export interface JobFix {
  readonly workflow: Workflow
  readonly job: Job
  readonly environment: Environment
  readonly replaced: readonly Replaced[]
}

/** `any`: which one it is, only the run knows. */
export type Environment = { readonly is: 'none' | 'any' } | { readonly is: 'named'; readonly name: string }

export interface Plan {
  readonly jobs: readonly JobFix[]
  /** Why something stays as it is, one line each. */
  readonly notes: readonly string[]
}

/** Events of which nobody outside causes any: what a policy means when it names none. */
const standard = new Set(['push', 'schedule', 'workflow_dispatch', 'release'])

/** Which secrets of a workflow can be replaced. */
export function planOf(workflow: Workflow): Plan {
  const uses = secretUses(workflow)
  if (uses.length === 0 || workflow.is === 'action') return { jobs: [], notes: [] }
  const notes: string[] = []
  const shared = hasShared(workflow.node)
  const jobs = workflow.jobs.map((job) => {
    const own = uses.filter((use) => use.job === job || use.where === 'workflow env')
    const obstacle = shared ? 'its values are shared by an anchor' : obstacleOf(job)
    if (obstacle !== undefined && own.length > 0)
      notes.push(`${at(workflow, job)}: left as it is: ${obstacle}`)
    const environment = environmentOf(job)
    const replaced =
      obstacle === undefined
        ? replacedOf(own, job, environment, (use, why) => {
            notes.push(`${workflow.path}:${use.place.line}: \`${use.name}\` stays: ${why}`)
          })
        : []
    return { workflow, job, environment, replaced }
  })
  // A line of the workflow's own `env:` can only go when every job can do without it.
  const replaced = jobs.map((each) => new Set(each.replaced.map((one) => one.use)))
  const kept = new Set(
    uses.filter((use) => use.where === 'workflow env' && !replaced.every((own) => own.has(use))),
  )
  for (const use of kept)
    notes.push(`${workflow.path}:${use.place.line}: \`${use.name}\` stays: not every job can ask for it`)
  const fixes = jobs.map((each) => ({ ...each, replaced: each.replaced.filter(({ use }) => !kept.has(use)) }))
  return {
    jobs: fixes.filter(({ replaced }) => replaced.length > 0),
    notes: [...new Set([...notes, ...fixes.flatMap(unseenBy)])],
  }
}

/** An action may read a variable without a word of it in the workflow. */
function unseenBy({ workflow, job, replaced }: JobFix): readonly string[] {
  const actions = new Set(
    job.steps.flatMap(({ uses }) =>
      uses === undefined || /^(?:actions|github)\//.test(uses.text) ? [] : [uses.text],
    ),
  )
  const keys = new Set(replaced.filter(({ use }) => isWide(use) && !isAws(use)).map(({ use }) => use.key))
  return [...actions].flatMap((action) =>
    [...keys].map((key) => `${at(workflow, job)}: \`${action}\` does not see \`${key}\` any more`),
  )
}

const isWide = ({ where }: SecretUse) => where === 'workflow env' || where === 'job env'
const at = (workflow: Workflow, job: Job) => `${workflow.path}:${job.place.line}: job \`${job.name}\``

function obstacleOf(job: Job): string | undefined {
  if (job.uses !== undefined) return 'the workflow that it calls must ask for itself'
  const other = [...job.triggers].filter((event) => !standard.has(event))
  if (other.length > 0)
    return `it also runs on ${other.join(', ')}, for which a policy gives nothing; make it a job of its own`
  if (member(job.node, 'container') !== undefined) return 'it runs in a container'
  return undefined
}

function replacedOf(
  uses: readonly SecretUse[],
  job: Job,
  environment: Environment,
  stays: (use: SecretUse, why: string) => void,
): readonly Replaced[] {
  const accessKeys = new Set(uses.filter((use) => isAws(use) && /ID$/i.test(use.key)).map(({ name }) => name))
  const role = roleOf(uses.filter(isAws))
  const half = hasHalfKey(
    job,
    new Set(uses.filter((use) => isAws(use) && !whyNot(use)).map(({ node }) => node)),
  )
  const whyNotAws =
    accessKeys.size > 1
      ? 'the job has keys of two roles'
      : half
        ? 'the other half of its key is not among the secrets, and would stay'
        : undefined
  return uses.flatMap((use) => {
    const why = whyNot(use) ?? whyNotHere(use, job) ?? (isAws(use) ? whyNotAws : undefined)
    if (why === undefined) return [{ use, target: targetOf(use, environment, role) }]
    stays(use, why)
    return []
  })
}

function whyNot(use: SecretUse): string | undefined {
  if (!/^\w[\w-]{0,199}$/.test(use.name)) return 'nothing says which secret it is'
  if (isIdentifier(use)) return 'it is a name and no secret; make it a variable'
  if (use.where === 'container' || use.where === 'elsewhere') return 'no step can give it to that place'
  if (use.source.includes('\n')) return 'its expression has several lines'
  if (!new RegExp(`\\bsecrets\\.${use.name}(?![\\w-])`, 'i').test(use.source))
    return 'it is not named as `secrets.NAME`'
  const wide = isWide(use)
  if (wide && !/^[A-Za-z_]\w{0,199}$/.test(use.key)) return 'it is no variable that a step could have'
  if ((wide || isAws(use)) && use.node.text !== use.source) return 'it is part of a longer value'
  return undefined
}

/** The environment of all steps goes to actions too, and a patch gives it to scripts alone. */
function whyNotHere(use: SecretUse, job: Job): string | undefined {
  if (!isWide(use) || isAws(use)) return undefined
  const word = new RegExp(`\\b${use.key}\\b`)
  const names = job.steps.some(
    ({ run, node }) => run === undefined && [...textsBelow(node)].some(({ text }) => word.test(text)),
  )
  return names ? 'an action of the job reads it from the environment' : undefined
}

/** What the names of a job's keys of AWS say beside that they are keys: keys of another name are another role. */
function roleOf(keys: readonly SecretUse[]): string {
  const [first] = [...keys.filter(({ key }) => /ID$/i.test(key)), ...keys]
  const rest = first?.name.replace(/_?(?:ACCESS_KEY(?:_ID)?|SECRET(?:_ACCESS_KEY)?|SESSION_TOKEN)(?=_|$)/, '')
  return slug(rest === undefined || rest === '' ? 'aws' : rest)
}

function targetOf(use: SecretUse, environment: Environment, role: string): Target {
  const suffix = environment.is === 'named' ? `-${slug(environment.name)}` : ''
  const kind = isAws(use) && credentialOf(use).kind === 'aws_role' ? 'aws_role' : 'secret'
  const name =
    kind === 'aws_role'
      ? `${role}${suffix}`
      : `${use.name.toLowerCase().replaceAll('_', '-').replace(/^-+/, 'secret-')}${suffix}`
  return { name, kind, tier: tierOf(environment), secret: use.name }
}

/** Every target of a job has one tier: no one job may have two worlds. */
function tierOf(environment: Environment): Target['tier'] {
  if (environment.is !== 'named') return 'shared'
  if (/prod|live/i.test(environment.name)) return 'production'
  return /stag|test|dev|qa|preview/i.test(environment.name) ? 'staging' : 'shared'
}

/** A name for targets and grants, of what somebody called something. */
export function slug(name: string): string {
  return (
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '') || 'unnamed'
  )
}

function environmentOf(job: Job): Environment {
  const node = member(job.node, 'environment')
  const name = node?.is === 'map' ? textOf(member(node, 'name')) : textsOf(node)[0]
  if (name === undefined || name === '') return { is: 'none' }
  return name.includes('${{') ? { is: 'any' } : { is: 'named', name }
}

/** An alias shows the node of its anchor a second time. */
function hasShared(node: Node, seen = new Set<Node>()): boolean {
  if (seen.has(node)) return true
  seen.add(node)
  const below = node.is === 'list' ? node.items : entriesOf(node).map(({ value }) => value)
  return below.some((each) => hasShared(each, seen))
}
