/** scan/environments: what GitHub says of the environments that jobs name, with a token of yours. */
import { type Entry, entryOf, member, textOf, Unreadable } from '@mayfly/policy/document-tree'
import { UsageFault } from '../command.ts'
import type { GithubApi, Json } from '../lock/github-api.ts'
import { credentialUses } from './credentials.ts'
import { type Finding, finding, type Rule } from './finding.ts'
import { type Job, permissionsOf, readWorkflow, type Workflow } from './workflow.ts'

export const unprotected: Rule = {
  id: 'MS040',
  name: 'environment-without-protection',
  severity: 'medium',
  title: 'An environment that protects nothing',
  why: 'A job only names its environment: without reviewers or a rule about branches, every branch may name it.',
  instead:
    'Limit it to protected branches or name reviewers, in the repository’s settings; a policy adds `branch:`.',
}

type State = 'protected' | 'open' | 'missing'

/** More than a repository has that somebody looks after. */
const mostEnvironments = 100

/**
 * Asks once for each environment that a job with secrets or an identity token names. Throws `GithubFault` or
 * `GithubRefused` as the API does, `UsageFault` when the token does not see the repository.
 */
export async function scanEnvironments(
  files: readonly { readonly path: string; readonly text: string }[],
  repository: string,
  api: GithubApi,
): Promise<readonly Finding[]> {
  const named = files.flatMap(namedIn)
  const names = [...new Set(named.map(({ name }) => name))]
  if (names.length > mostEnvironments)
    throw new UsageFault(`${repository} names more than ${mostEnvironments} environments`)
  if (names.length === 0) return []
  const [owner = '', own = ''] = repository.split('/')
  if ((await api.get('repos', owner, own)) === undefined)
    throw new UsageFault(`GitHub does not show \`${repository}\`; does the token see it?`)
  const states = new Map<string, State>()
  for (const name of names)
    states.set(name, stateOf(await api.get('repos', owner, own, 'environments', name)))
  return named.flatMap(({ name, workflow, job, entry }) => {
    const state = states.get(name)
    if (state === undefined || state === 'protected') return []
    const what =
      state === 'open' ? 'lets every branch in, without a reviewer' : 'is made at its first use, open to all'
    return [
      finding(unprotected, workflow, entry.place, `environment \`${name}\` of job \`${job.name}\` ${what}`),
    ]
  })
}

interface Named {
  readonly name: string
  readonly workflow: Workflow
  readonly job: Job
  readonly entry: Entry
}

function namedIn({ path, text }: { readonly path: string; readonly text: string }): readonly Named[] {
  const workflow = read(path, text)
  if (workflow === undefined) return []
  const everywhere = credentialUses(workflow).some(({ where }) => where === 'workflow env')
  const holding = new Set(credentialUses(workflow).map(({ job }) => job))
  return workflow.jobs.flatMap((job) => {
    const entry = entryOf(job.node, 'environment')
    const name = entry?.value.is === 'map' ? textOf(member(entry.value, 'name')) : textOf(entry?.value)
    const permissions = permissionsOf(job.node) ?? permissionsOf(workflow.node)
    const asks = permissions?.get('id-token') === 'write' || permissions?.get('*') === 'write'
    if (entry === undefined || name === undefined || name === '' || name.includes('${{')) return []
    return everywhere || holding.has(job) || asks ? [{ name, workflow, job, entry }] : []
  })
}

/** The findings tell of a file that cannot be read. */
function read(path: string, text: string): Workflow | undefined {
  try {
    return readWorkflow(path, text)
  } catch (thrown) {
    if (thrown instanceof Unreadable) return undefined
    throw thrown
  }
}

/** A wait alone stops nobody. What is not as GitHub documents it protects nothing. */
function stateOf(answer: Json | undefined): State {
  if (answer === undefined) return 'missing'
  const { deployment_branch_policy: branches, protection_rules: rules } = answer
  if (typeof branches === 'object' && branches !== null) return 'protected'
  const reviewed = Array.isArray(rules) && rules.some((rule: unknown) => isReview(rule))
  return reviewed ? 'protected' : 'open'
}

function isReview(rule: unknown): boolean {
  return typeof rule === 'object' && rule !== null && 'type' in rule && rule.type === 'required_reviewers'
}
