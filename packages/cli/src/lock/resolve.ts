/** resolve: every name of a policy to an id, few at a time. What cannot be resolved is told with its place. */
import type { ResolvedName } from '@mayfly/policy/lock-text'
import type { LockedName } from '@mayfly/policy/locked-names'
import type { Problem } from '@mayfly/policy/problem'
import type { Lock } from '@mayfly/policy/read/lock'
import { type GithubApi, GithubFault, GithubRefused } from './github-api.ts'
import { accountNamed, accountOfId, kindOf, repositoryNamed, type Thing } from './thing.ts'

/** A name, its id, and what GitHub calls it now. */
export interface Found extends ResolvedName {
  readonly place: LockedName['place']
  readonly thing: Thing
}

/** Why a name has no id. */
interface Unknown {
  readonly message: string
  readonly hint: string
}

export interface ResolveOptions {
  readonly api: GithubApi
  readonly lock: Lock
  /** Names that a person has looked at: which of two accounts is meant, or another id than before. */
  readonly accepted: ReadonlySet<string>
}

/** GitHub asks for few requests at once (secondary rate limit). */
const AT_ONCE = 4

/** Throws `GithubFault` when GitHub cannot be asked at all; then nothing is known. */
export async function resolveNames(
  names: readonly LockedName[],
  options: ResolveOptions,
): Promise<{ readonly found: readonly Found[]; readonly problems: readonly Problem[] }> {
  const results: (Found | Problem)[] = []
  let next = 0
  let stopped = false
  const work = async (): Promise<void> => {
    while (!stopped && next < names.length) {
      const position = next++
      const name = names[position]
      if (name === undefined) return
      try {
        results[position] = await resolveOne(name, options)
      } catch (thrown) {
        stopped = true
        throw thrown instanceof GithubFault ? new GithubFault(`${name.name}: ${thrown.message}`) : thrown
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return {
    found: results.filter((result) => 'thing' in result),
    problems: results.filter((result) => 'message' in result),
  }
}

async function resolveOne(asked: LockedName, options: ResolveOptions): Promise<Found | Problem> {
  const { section, name, place } = asked
  const result = await thingOf(asked, options).catch((thrown: unknown) => {
    if (!(thrown instanceof GithubRefused)) throw thrown
    return {
      message: `\`${name}\`: ${thrown.message}`,
      hint: 'the lock keeps what it has; nothing is written',
    }
  })
  if ('id' in result) return { section, name, place, id: result.id, thing: result }
  return { code: 'P013', severity: 'error', ...place, ...result }
}

function thingOf(asked: LockedName, options: ResolveOptions): Promise<Thing | Unknown> {
  if (asked.section === 'repos') return repository(asked.name, options)
  return asked.section === 'owners' ? owner(asked.name, options) : user(asked.name, options)
}

async function repository(name: string, { api }: ResolveOptions): Promise<Thing | Unknown> {
  const [, owner, own] = /^([a-z0-9_-]{1,100})\/([a-z0-9._-]{1,100})$/.exec(name) ?? []
  if (owner === undefined || own === undefined || /^\.{1,2}$/.test(own))
    return { message: `\`${name}\` cannot be a repository`, hint: 'a repository is OWNER/NAME' }
  const found = await repositoryNamed(api, owner, own)
  if (found !== undefined) return found
  const hint = api.hasToken
    ? 'mind the spelling; if it is private, the token may not read it'
    : 'mind the spelling; private? set GITHUB_TOKEN'
  return { message: `GitHub shows no repository \`${name}\``, hint }
}

const login = /^[a-z0-9_-]{1,100}$/

async function owner(name: string, { api, lock }: ResolveOptions): Promise<Thing | Unknown> {
  if (!login.test(name))
    return { message: `\`${name}\` cannot be an owner`, hint: 'an owner is an organisation or a user' }
  const found = await accountNamed(api, name)
  if (found?.type === 'Organization' || found?.type === 'User') return found
  if (found !== undefined)
    return { message: `\`${name}\` is an ${kindOf(found)}`, hint: 'an owner is an organisation or a user' }
  return (await renamed(lock.owners.get(name), api)) ?? missing(name, api)
}

/**
 * An actor is a user or a bot, never an organisation. An app's account is called `NAME[bot]`, and a policy may say
 * `NAME`: but `dependabot` alone is an organisation, and may elsewhere be somebody's account. So both are looked at,
 * and two that could be meant are for a person to tell apart. A user that is locked needs one request.
 */
async function user(name: string, { api, lock, accepted }: ResolveOptions): Promise<Thing | Unknown> {
  const [, plain, bot] = /^([^[]+)(\[bot\])?$/.exec(name) ?? []
  if (plain === undefined || !login.test(plain))
    return { message: `\`${name}\` cannot be a user`, hint: 'a user is a login, an app is NAME[bot]' }
  const locked = lock.users.get(name)
  const person = bot === undefined ? await accountNamed(api, plain) : undefined
  const acts = person?.type === 'User' || person?.type === 'Bot'
  if (acts && person.id === locked) return person
  const app = await accountNamed(api, `${plain}[bot]`)
  const isBot = app?.type === 'Bot'
  if (isBot && (!acts || app.id === locked || app.id === person.id)) return app
  if (acts && (!isBot || accepted.has(name))) return person
  if (acts && isBot) {
    const message = `\`${name}\` is the account ${person.name} (${person.id}) and the app ${app.name} (${app.id})`
    return {
      message,
      hint: `write "${name}[bot]" for the app, or confirm the account with --accept ${name}`,
    }
  }
  if (person !== undefined)
    return {
      message: `\`${name}\` is an ${kindOf(person)}, which starts no jobs`,
      hint: 'name a user, or an app as NAME[bot]',
    }
  return (await renamed(locked, api)) ?? missing(name, api)
}

async function renamed(locked: string | undefined, api: GithubApi): Promise<Thing | undefined> {
  return locked === undefined ? undefined : accountOfId(api, locked)
}

function missing(name: string, api: GithubApi): Unknown {
  const hint = api.hasToken ? 'mind the spelling' : 'mind the spelling; private? set GITHUB_TOKEN'
  return { message: `GitHub shows no account \`${name}\``, hint }
}
