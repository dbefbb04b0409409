/** github-token: everyday tokens of GitHub, and tokens as GitHub writes them, for tests and counterexamples. */
import type { TokenClaims } from '../box.ts'

/** A push to a protected main branch by somebody, and whatever follows from what is said. */
export function typicalGithub(said: TokenClaims, tenants: ReadonlyMap<string, string>): TokenClaims {
  const [[firstOwner, firstId] = ['owner', '1']] = tenants
  const owner = said.get('repository')?.split('/')[0]
  const repository = said.get('repository') ?? `${ownerOf(said, tenants) ?? firstOwner}/typical`
  const ref = said.get('ref') ?? 'refs/heads/main'
  const ownerId = owner === undefined ? firstId : (tenants.get(owner) ?? '1')
  const token = new Map([
    ['repository', repository],
    ['repository_id', '1'],
    ['repository_owner_id', ownerId],
    ['actor_id', '1'],
    ['event_name', 'push'],
    ['runner_environment', 'github-hosted'],
    ['repository_visibility', 'private'],
    ['ref', ref],
    ['ref_type', ref.startsWith('refs/tags/') ? 'tag' : 'branch'],
    ['ref_protected', 'true'],
    ['workflow.repo', repository],
    ['workflow.file', '.github/workflows/ci.yml'],
    ['workflow.ref', ref],
  ])
  for (const [claim, value] of said) token.set(claim, value)
  return token
}

function ownerOf(said: TokenClaims, tenants: ReadonlyMap<string, string>): string | undefined {
  const id = said.get('repository_owner_id')
  return tenants.entries().find(([, own]) => own === id)?.[0]
}

/** With the claims that intake compares with others, and the workflow in one piece again. */
export function presentGithub(token: TokenClaims): Readonly<Record<string, string>> {
  const claims = new Map([...token].filter(([name]) => !name.startsWith('workflow.')))
  const [repo, file, ref] = ['repo', 'file', 'ref'].map((part) => token.get(`workflow.${part}`))
  if (repo !== undefined && file !== undefined && ref !== undefined) {
    claims.set('job_workflow_ref', `${repo}/${file}@${ref}`)
  }
  claims.set('repository_owner', token.get('repository')?.split('/')[0] ?? '')
  return Object.fromEntries(claims)
}
