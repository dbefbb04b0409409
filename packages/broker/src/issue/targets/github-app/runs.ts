/** What GitHub says of runs of its Actions: asked when nobody told us that a job ended. It gives nobody a credential. */
import { z } from 'zod'
import { Failure } from '../../../base/failure.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Answer } from './api.ts'
import { failureOf, type Github, type GithubAppConnection, openGithub, refusalOf, seconds } from './github.ts'
import { openInstallations } from './installations.ts'

/** One attempt of a run. */
export interface RunState {
  /** All of it is over. */
  readonly over: boolean
  /** Jobs of it that are, as tokens name them (`check_run_id`). */
  readonly ended: readonly string[]
}

export interface GithubRuns {
  /**
   * `run`: `run_id/run_attempt`. `undefined`: GitHub knows no such run, or shows it to this app no more. Throws a
   * `Failure` when nobody can tell.
   */
  of(app: string, repository: string, run: string): Promise<RunState | undefined>
  close(): void
}

/** Tokens of ours are good for an hour. */
const reuseMs = 45 * 60_000
const jobsAPage = 100
/** A matrix has at most 256 jobs, a run some of them. */
const mostPages = 30

const runShape = z.object({ status: z.string() })
const jobsShape = z.object({
  total_count: z.int().min(0),
  jobs: z.array(z.object({ status: z.string(), check_run_url: z.string() })),
})

/** Opens it. Throws `Failure('internal')` when the key of an app cannot be read. */
export function openGithubRuns(
  connections: Readonly<Record<string, GithubAppConnection>>,
  tools: Tools,
): GithubRuns {
  const github = openGithub(connections, tools)
  const tokenFor = openReadTokens(github)
  return {
    async of(app, repository, run) {
      const [id = '', attempt = ''] = run.split('/')
      if (!/^[0-9]{1,20}$/.test(id) || !/^[0-9]{1,6}$/.test(attempt)) return undefined
      const path = repository.split('/').map(encodeURIComponent).join('/')
      const place = `${github.app(app).api}/repos/${path}/actions/runs/${id}/attempts/${attempt}`
      const bearer = await tokenFor(app, repository)
      const get = async (url: string): Promise<Answer> =>
        await github.ask(app, { method: 'GET', url, bearer }).catch((thrown: unknown) => {
          throw failureOf(thrown)
        })
      const answer = await get(place)
      if (answer.status === 404) return undefined
      if (read(answer, runShape, github).status === 'completed') return { over: true, ended: [] }
      return { over: false, ended: await endedJobs(get, place, github) }
    },
    close: () => github.close(),
  }
}

async function endedJobs(
  get: (url: string) => Promise<Answer>,
  place: string,
  github: Github,
): Promise<readonly string[]> {
  const ended: string[] = []
  for (let page = 1; page <= mostPages; page++) {
    const answer = await get(`${place}/jobs?per_page=${jobsAPage}&page=${page}`)
    const { jobs } = read(answer, jobsShape, github)
    for (const { status, check_run_url: url } of jobs) {
      const id = status === 'completed' ? /\/check-runs\/([0-9]{1,20})$/.exec(url)?.[1] : undefined
      if (id !== undefined) ended.push(id)
    }
    if (jobs.length < jobsAPage) break
  }
  return ended
}

function read<T>(answer: Answer, shape: z.ZodType<T>, { tools }: Github): T {
  if (answer.status !== 200) throw refusalOf(answer, 'a question about a run', seconds(tools))
  const parsed = shape.safeParse(answer.json)
  if (parsed.success) return parsed.data
  throw new Failure('provider_unavailable', { reason: 'GitHub describes a run in another form' })
}

/** Tokens that read the Actions of one repository and nothing else. They stay in this process. */
function openReadTokens(github: Github): (app: string, repository: string) => Promise<string> {
  const installations = openInstallations(github)
  const kept = new Map<string, { readonly token: string; readonly until: number }>()
  const shape = z.object({ token: z.string().regex(/^[\x21-\x7e]{1,16384}$/) })
  return async (name, repository) => {
    const now = github.tools.now()
    const key = JSON.stringify([name, repository])
    const known = kept.get(key)
    if (known !== undefined && now < known.until) return known.token
    for (const [old, { until }] of kept) if (until <= now) kept.delete(old)
    const app = github.app(name)
    const { id } = await installations.of(app, repository).catch((thrown: unknown) => {
      throw failureOf(thrown)
    })
    const answer = await github
      .ask(name, {
        method: 'POST',
        url: `${app.api}/app/installations/${id}/access_tokens`,
        bearer: app.token(seconds(github.tools)),
        body: {
          repositories: [repository.slice(repository.indexOf('/') + 1)],
          permissions: { actions: 'read' },
        },
      })
      .catch((thrown: unknown) => {
        throw failureOf(thrown)
      })
    if (answer.status !== 201) {
      installations.forget(app, repository)
      throw refusalOf(answer, 'a request for a token that reads Actions', seconds(github.tools))
    }
    const parsed = shape.safeParse(answer.json)
    if (!parsed.success)
      throw new Failure('provider_unavailable', { reason: 'GitHub answers without a token' })
    kept.set(key, { token: parsed.data.token, until: now + reuseMs })
    return parsed.data.token
  }
}
