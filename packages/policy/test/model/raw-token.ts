/** Tokens of the model as a platform writes them, and back. */
import type { Chance } from './chance.ts'
import type { ModelIssuer } from './model.ts'
import type { ClaimValue, ReadClaim } from './reference.ts'

const github = [
  'repository_id',
  'repository',
  'repository_owner_id',
  'actor_id',
  'ref',
  'ref_type',
  'ref_protected',
  'environment',
  'event_name',
  'runner_environment',
  'repository_visibility',
  'repo_property_team',
]
const workflow = ['workflow.repo', 'workflow.file', 'workflow.ref'] as const

/** `undefined`: no token can say it (GitHub has all parts of the workflow in one claim). */
export function rawToken(
  kind: ModelIssuer['kind'],
  read: ReadClaim,
  chance: Chance,
): Readonly<Record<string, string>> | undefined {
  const names = kind === 'github' ? github : ['sub', 'team', 'level']
  const claims = Object.fromEntries(
    names.flatMap((name) => {
      const value = read(name)
      if (value === undefined) return []
      // Upper case counts as lower case in these.
      return [[name, /^(environment|repository)$/.test(name) && chance.yes(0.2) ? upper(value) : value]]
    }),
  )
  if (kind !== 'github') return claims
  const [repo, file, ref] = workflow.map(read)
  claims['repository_owner'] = claims['repository']?.split('/')[0] ?? ''
  if (repo === undefined && file === undefined && ref === undefined) return claims
  if (repo === undefined || file === undefined || ref === undefined) return undefined
  return { ...claims, job_workflow_ref: `${chance.yes(0.2) ? upper(repo) : repo}/${file}@${ref}` }
}

const upper = (text: string) => text.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase())
const lower = (text: string) => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())

/** What a raw token says of each claim of the model. */
export function readRaw(kind: ModelIssuer['kind'], claims: Readonly<Record<string, unknown>>): ReadClaim {
  const values = new Map<string, ClaimValue>(
    Object.entries(claims).map(([name, value]) => [name, String(value)]),
  )
  if (kind === 'github') {
    for (const name of ['environment', 'repository']) {
      const value = values.get(name)
      if (value !== undefined) values.set(name, lower(value))
    }
    const [, repo, file, ref] =
      /^([^/]+\/[^/]+)\/(.*?)@(.*)$/s.exec(values.get('job_workflow_ref') ?? '') ?? []
    workflow.forEach((name, at) => {
      const part = [repo && lower(repo), file, ref][at]
      if (part !== undefined) values.set(name, part)
    })
  }
  return (claim) => values.get(claim)
}
