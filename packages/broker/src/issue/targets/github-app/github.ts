import { asFailure, Failure } from '../../../base/failure.ts'
import { withoutTokens } from '../../../base/scrub.ts'
import type { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import { pauseOf } from '../../ask.ts'
import { type Answer, type Ask, ask, Unanswered } from './api.ts'
import { openAppToken } from './app-token.ts'
import { isLimited, limitOf, messageOf, openPauses } from './pauses.ts'

/** One configured app, as the config room resolves `connections.github_app.NAME`. */
export interface GithubAppConnection {
  readonly app_id: string
  readonly private_key: Secret
  readonly api: string
}

/** A configured app, ready to say who it is. */
export interface App {
  readonly name: string
  readonly api: string
  readonly token: (now: number) => string
}

/** GitHub's API, with its limits kept. */
export interface Github {
  readonly tools: Tools
  readonly app: (name: string) => App
  /** Throws `Unanswered`, or `provider_unavailable` while `who` has to wait. `who`: whose limit it counts against. */
  ask(who: string, what: Ask): Promise<Answer>
  close(): void
}

/** Opens the apps. Throws `Failure('internal')` when a key cannot be read. */
export function openGithub(connections: Readonly<Record<string, GithubAppConnection>>, tools: Tools): Github {
  const closing = new AbortController()
  const pauses = openPauses(tools)
  const apps = new Map(
    Object.entries(connections).map(([name, connection]) => [
      name,
      { name, api: connection.api, token: openAppToken(connection, name) },
    ]),
  )
  return {
    tools,
    app(name) {
      const app = apps.get(name)
      if (app === undefined)
        throw new Failure('target_refused', { reason: `no connection github_app.${name}` })
      return app
    },
    async ask(who, what) {
      pauses.check(who)
      const answer = await ask(what, closing.signal)
      pauses.note(who, answer)
      return answer
    },
    close: () => closing.abort(),
  }
}

/** Seconds since 1970. */
export function seconds(tools: Pick<Tools, 'now'>): number {
  return Math.floor(tools.now() / 1000)
}

/** The failure for an answer that is a refusal of some kind. `what` says what we asked for. */
export function refusalOf(answer: Answer, what: string, now: number): Failure {
  if (isLimited(answer)) return limitOf(answer, now)
  const { status } = answer
  const reason = `GitHub answers ${status} to ${what}${quoted(answer)}`
  if (status < 400 || status >= 500) {
    const retryAfter = pauseOf(answer.headers['retry-after'])
    return new Failure('provider_unavailable', { reason, retryAfter })
  }
  const skew = Math.abs(Date.parse(String(answer.headers['date'])) / 1000 - now)
  if (status === 401 && skew > 30) {
    const clocks = `${reason}; its clock and ours differ by ${Math.round(skew)} s`
    return new Failure('provider_unavailable', { reason: clocks })
  }
  return new Failure('target_refused', { reason })
}

/** Anything thrown while we asked, as a `Failure`. */
export function failureOf(thrown: unknown): Failure {
  if (!(thrown instanceof Unanswered)) return asFailure(thrown)
  return new Failure('provider_unavailable', { reason: thrown.message })
}

function quoted(answer: Answer): string {
  const message = withoutTokens(messageOf(answer).replace(/[^\x20-\x7e]/g, '?')).slice(0, 200)
  return message === '' ? '' : `: ${message}`
}
