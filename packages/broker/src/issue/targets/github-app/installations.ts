import { z } from 'zod'
import { Failure } from '../../../base/failure.ts'
import { type App, type Github, refusalOf, seconds } from './github.ts'
import { ownerOf } from './settings.ts'

export interface Installation {
  readonly id: number
  /** It was not asked for just now. */
  readonly remembered: boolean
}

export interface Installations {
  /** Where `app` is installed for the owner of a repository. Throws `target_refused` where it is not. */
  of(app: App, repository: string): Promise<Installation>
  forget(app: App, repository: string): void
}

/** An app that was removed and installed again has another id. */
const rememberMs = 3_600_000
const most = 1000

const installation = z.object({
  id: z.int().min(1),
  account: z.object({ login: z.string() }),
  suspended_at: z.string().nullish(),
})

/** Ids of installations, one for each app and owner; forgets the oldest first. */
export function openInstallations(github: Github): Installations {
  const known = new Map<string, { readonly id: number; readonly until: number }>()
  const keyOf = (app: App, repository: string) => JSON.stringify([app.name, ownerOf(repository)])
  return {
    async of(app, repository) {
      const key = keyOf(app, repository)
      const kept = known.get(key)
      if (kept !== undefined && github.tools.now() < kept.until) return { id: kept.id, remembered: true }
      const id = await find(github, app, repository)
      known.delete(key)
      if (known.size >= most) for (const [oldest] of [...known].slice(0, 1)) known.delete(oldest)
      known.set(key, { id, until: github.tools.now() + rememberMs })
      return { id, remembered: false }
    },
    forget: (app, repository) => void known.delete(keyOf(app, repository)),
  }
}

async function find(github: Github, app: App, repository: string): Promise<number> {
  const now = seconds(github.tools)
  const path = repository.split('/').map(encodeURIComponent).join('/')
  const url = `${app.api}/repos/${path}/installation`
  const answer = await github.ask(app.name, { method: 'GET', url, bearer: app.token(now) })
  if (answer.status === 404) {
    const reason = `the app ${app.name} is not installed on ${repository}, or there is no such repository`
    throw new Failure('target_refused', { reason })
  }
  // GitHub points from an old name to the new one; a name that was given up may be somebody else's tomorrow.
  if ([301, 302, 307, 308].includes(answer.status)) {
    const reason = `${repository} was renamed or moved: put its new name into the policy`
    throw new Failure('target_refused', { reason })
  }
  if (answer.status !== 200) throw refusalOf(answer, `where ${app.name} is installed on ${repository}`, now)
  const found = installation.safeParse(answer.json)
  if (!found.success || found.data.account.login.toLowerCase() !== ownerOf(repository)) {
    const reason = `GitHub does not say where ${app.name} is installed on ${repository}`
    throw new Failure('provider_unavailable', { reason })
  }
  if (typeof found.data.suspended_at === 'string') {
    const reason = `the installation of ${app.name} for ${ownerOf(repository)} is suspended`
    throw new Failure('target_refused', { reason })
  }
  return found.data.id
}
