/**
 * What hashicorp/vault-action sends and checks, written from its published source (`auth.js`, `action.js`, `secrets.js`):
 * a login with `jwt` and `role`, one GET for each path, `data.data` before `data`, and whose words it fails with.
 */
import type { Github } from '../../packages/cli/src/demo/stand-in/github.ts'
import { type Answered, ask } from './requests.ts'

type Job = ReturnType<Github['job']>

export interface VaultActionInputs {
  readonly url: string
  readonly role: string
  readonly path?: string
  readonly jwtGithubAudience: string
  /** Lines `PATH KEY | NAME ;`, as the step has them. */
  readonly secrets: string
}

interface Read {
  readonly path: string
  readonly key: string
  readonly name: string
}

/** What the step exports, or what it fails with; with the token that it keeps for its own later calls. */
export async function vaultAction(
  job: Job,
  inputs: VaultActionInputs,
): Promise<
  | { readonly exported: Readonly<Record<string, string>>; readonly token: string }
  | { readonly failed: string }
> {
  const { body: minted } = await ask(
    `${job.requestUrl}&audience=${encodeURIComponent(inputs.jwtGithubAudience)}`,
    { headers: { Authorization: `Bearer ${job.requestToken}` } },
  )
  const login = await ask(`${inputs.url}/v1/auth/${inputs.path ?? 'jwt'}/login`, {
    headers: { 'content-type': 'application/json', 'X-Vault-Namespace': '' },
    body: JSON.stringify({ jwt: minted['value'], role: inputs.role }),
  })
  const auth = login.body['auth'] as { readonly client_token?: string } | undefined
  if (login.status >= 300 || auth?.client_token === undefined)
    return { failed: `failed to retrieve vault token. code: ${login.status}, ${errorsOf(login)}` }
  const exported: Record<string, string> = {}
  const answers = new Map<string, Answered>()
  for (const { path, key, name } of readsOf(inputs.secrets)) {
    const mine = { headers: { 'X-Vault-Token': auth.client_token } }
    const got = answers.get(path) ?? (await ask(`${inputs.url}/v1/${path}`, mine))
    answers.set(path, got)
    if (got.status === 404)
      return { failed: `Unable to retrieve result for "${path}" because it was not found: ${errorsOf(got)}` }
    if (got.status >= 300) return { failed: `Response code ${got.status}: ${errorsOf(got)}` }
    const data = got.body['data'] as Readonly<Record<string, unknown>> & { readonly data?: object }
    const found = Object.entries(data.data ?? data).find(([each]) => each === key)
    if (found === undefined)
      return { failed: `Unable to retrieve result for ${key}. No match data was found.` }
    exported[name] = String(found[1])
  }
  return { exported, token: auth.client_token }
}

function readsOf(secrets: string): readonly Read[] {
  return secrets
    .split(';')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [from = '', name = ''] = line.split('|').map((part) => part.trim())
      const [path = '', key = ''] = from.split(/\s+/)
      return { path, key, name }
    })
}

function errorsOf({ body }: Answered): string {
  return Array.isArray(body['errors']) ? body['errors'].join(', ') : 'no words'
}
