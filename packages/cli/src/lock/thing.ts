/** thing: what one name is on GitHub: an account or a repository, with the id that tokens carry. */
import { type GithubApi, GithubFault, type Json } from './github-api.ts'

export interface Thing {
  readonly id: string
  /** As GitHub writes it now; another than what was asked for means that it was renamed. */
  readonly name: string
  /** `User`, `Organization`, `Bot`, `Repository` and what GitHub adds. */
  readonly type: string
}

const kinds: Readonly<Record<string, string>> = { Organization: 'organisation', Bot: 'app' }

/** What a thing is, in our words. */
export function kindOf({ type }: Thing): string {
  return kinds[type] ?? type.toLowerCase()
}

export async function accountNamed(api: GithubApi, login: string): Promise<Thing | undefined> {
  return account(await api.get('users', login))
}

/** Accounts that were renamed are found by their id only; GitHub does not redirect their old names. */
export async function accountOfId(api: GithubApi, id: string): Promise<Thing | undefined> {
  const found = account(await api.get('user', id))
  if (found !== undefined && found.id !== id) throw new GithubFault('GitHub answers for another id')
  return found
}

/** Redirects of a renamed or moved repository are followed. */
export async function repositoryNamed(
  api: GithubApi,
  owner: string,
  name: string,
): Promise<Thing | undefined> {
  const json = await api.get('repos', owner, name)
  return json && { id: idOf(json), name: textOf(json, 'full_name'), type: 'Repository' }
}

function account(json: Json | undefined): Thing | undefined {
  return json && { id: idOf(json), name: textOf(json, 'login'), type: textOf(json, 'type') }
}

/** A whole number that JSON did not round: two ids must never look like one. */
function idOf({ id }: Json): string {
  if (typeof id === 'number' && Number.isSafeInteger(id) && id > 0) return String(id)
  throw new GithubFault('GitHub answers without an id that is a number')
}

function textOf(json: Json, key: string): string {
  const value = json[key]
  if (typeof value === 'string' && /^[!-~]{1,200}$/.test(value)) return value
  throw new GithubFault(`GitHub answers without \`${key}\``)
}
