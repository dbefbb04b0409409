import { Failure } from '../../../base/failure.ts'
import { IssueFailure } from '../../target.ts'
import { type Answer, answerMs, Unanswered } from './api.ts'
import type { EndToken, MadeToken } from './end-token.ts'
import { type App, failureOf, type Github, refusalOf, seconds } from './github.ts'
import type { Installations } from './installations.ts'
import { judge, type Wish } from './wish.ts'

export interface Mint {
  readonly app: App
  readonly wish: Wish
  /** Nothing is asked for so late that the answer could come after it; seconds since 1970. */
  readonly before: number
  /** What is to be kept of a token that could not be ended. */
  readonly keep: (made: MadeToken) => IssueFailure['left']
}

/**
 * Makes a token. Throws `IssueFailure` where it is certain what is left, and a plain `Failure` where GitHub may have
 * made a token that nobody knows.
 */
export async function mint(
  parts: { readonly github: Github; readonly installations: Installations; readonly end: EndToken },
  order: Mint,
): Promise<MadeToken & { readonly endsAt: number }> {
  const { installation, answer } = await answerTo(parts, order)
  const token = tokenOf(answer.json)
  if (answer.status !== 201 || token === undefined) {
    // A gateway answers 502 also after GitHub did its work.
    const failure = refusalOf(answer, 'a request for a token', seconds(parts.github.tools))
    throw answer.status >= 300 && answer.status < 500 ? new IssueFailure(failure, 'nothing') : failure
  }
  const madeAt = seconds(parts.github.tools)
  const made = { api: order.app.api, installation, token, madeAt }
  const judged = judge(answer.json, order.wish)
  if ('endsAt' in judged) return { ...made, endsAt: judged.endsAt }
  const failure = new Failure('target_refused', { reason: `GitHub answers with a token ${judged.fault}` })
  const left = await parts.end(made).then(
    () => 'nothing' as const,
    () => order.keep(made),
  )
  throw new IssueFailure(failure, left)
}

async function answerTo(
  { github, installations }: { readonly github: Github; readonly installations: Installations },
  { app, wish, before }: Mint,
): Promise<{ readonly installation: number; readonly answer: Answer }> {
  const [repository] = wish.repositories
  const body = {
    repositories: wish.repositories.map((each) => each.slice(each.indexOf('/') + 1)),
    permissions: wish.permissions,
  }
  for (let again = false; ; again = true) {
    const { id, remembered } = await installations.of(app, repository).catch(nothingMade)
    const now = seconds(github.tools)
    if (now + answerMs / 1000 > before)
      nothingMade(new Failure('provider_unavailable', { reason: 'this lease waited too long for its token' }))
    const url = `${app.api}/app/installations/${id}/access_tokens`
    const asking = github.ask(app.name, { method: 'POST', url, bearer: app.token(now), body })
    const answer = await asking.catch((thrown: unknown) => {
      if (thrown instanceof Unanswered && thrown.sent) throw failureOf(thrown)
      return nothingMade(thrown)
    })
    if (answer.status !== 404 || !remembered || again) return { installation: id, answer }
    // Removed since, perhaps installed again: nothing was made, so asking anew is no second try.
    installations.forget(app, repository)
  }
}

function nothingMade(thrown: unknown): never {
  throw new IssueFailure(failureOf(thrown), 'nothing')
}

/** Their form changes; they are text that fits into a header. */
function tokenOf(json: unknown): string | undefined {
  const token = typeof json === 'object' && json !== null && 'token' in json ? json.token : undefined
  return typeof token === 'string' && /^[\x21-\x7e]{1,16384}$/.test(token) ? token : undefined
}
