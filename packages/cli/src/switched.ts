/** What `switch off` and `switch on` have in common. */
import type { Job, Switch } from '@mayfly/broker/domain'
import { type Given, type Option, UsageFault } from './command.ts'
import { configOption, jsonOption } from './configured.ts'

export const switchOptions: Readonly<Record<string, Option>> = {
  config: configOption,
  target: { type: 'string', value: 'NAME', summary: 'A target of the policy' },
  issuer: { type: 'string', value: 'NAME', summary: 'A configured issuer' },
  repo: { type: 'string', value: 'OWNER/REPO', summary: 'A repository, whatever its jobs ask for' },
  actor: { type: 'string', value: 'NAME', summary: 'A person or an agent, whatever job they start' },
  because: { type: 'string', value: 'TEXT', summary: 'For the log' },
  json: jsonOption,
}

/** What the options name. Throws `UsageFault` unless it is exactly one thing. */
export function switchOf(given: Given): Switch {
  const names = ['target', 'issuer', 'repo', 'actor']
  const [target, issuer, repository, actor] = names.map((name) => given.text(name))
  const all: Switch[] = [
    ...(target === undefined ? [] : [{ of: 'target', name: target } as const]),
    ...(issuer === undefined ? [] : [{ of: 'issuer', name: issuer } as const]),
    ...(repository === undefined ? [] : [{ of: 'repository', name: repositoryOf(repository) } as const]),
    ...(actor === undefined ? [] : [{ of: 'actor', name: actor.toLowerCase() } as const]),
  ]
  const [only] = all
  if (only === undefined || all.length > 1)
    throw new UsageFault('give one of --target, --issuer, --repo and --actor')
  return only
}

/** A job, `github/5551`, or all of a run and its attempt, `github/77/1`. Throws `UsageFault`. */
export function jobOf(text: string): Job {
  const [, issuer, id] = /^([a-z][a-z0-9-]*)\/(\S+)$/.exec(text) ?? []
  if (issuer === undefined || id === undefined)
    throw new UsageFault('--job is ISSUER/ID, such as github/5551, or ISSUER/RUN/ATTEMPT')
  return id.includes('/') ? { issuer, run: id } : { issuer, id }
}

/** As leases have it. Throws `UsageFault`. */
export function repositoryOf(text: string): string {
  if (!/^[^/\s]+(\/[^/\s]+)+$/.test(text)) throw new UsageFault('--repo is OWNER/REPO, such as acme/shop')
  return text.toLowerCase()
}

/** What was given as the reason. */
export function reasonOf(given: Given): string | undefined {
  const reason = given.text('because')?.trim()
  return reason === '' ? undefined : reason
}
