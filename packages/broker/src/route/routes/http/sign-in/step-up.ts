/** A stronger sign-in where the policy would say yes to it (RFC 9470): browsers are sent there, once; programs hear of it. */
import type { IncomingMessage } from 'node:http'
import { newId } from '../../../../base/id.ts'
import type { Tools } from '../../../../base/tools.ts'
import { type Problem, problem } from '../../../bearer-error.ts'
import { cookieOf, setCookie } from './cookies.ts'

/** Says that somebody comes back from a stronger sign-in: if that was not enough, another one would not be either. */
export const steppedCookie = '__Host-mayfly-stepped'

const steppedSeconds = 60

export function stepped(): readonly [string, string] {
  return setCookie(steppedCookie, '1', steppedSeconds)
}

export function cameBack({ rawHeaders }: IncomingMessage): boolean {
  return cookieOf(rawHeaders, steppedCookie) !== undefined
}

/** RFC 9470 3, for what is no page: its program sends the person to the same address as a page. */
export function insufficient(acr: readonly string[], tools: Pick<Tools, 'now' | 'randomBytes'>): Problem {
  const words = 'A stronger sign-in is needed.'
  const more = `error="insufficient_user_authentication", error_description="${words}"`
  const headers = ['WWW-Authenticate', `Bearer realm="mayfly", ${more}, acr_values="${acr.join(' ')}"`]
  return problem(401, words, newId('er', tools), { headers, error: 'insufficient_user_authentication' })
}

/** The same refusal, and the next try may begin anew. */
export function plainly(refusal: Problem): Problem {
  return { ...refusal, headers: [...refusal.headers, ...setCookie(steppedCookie, '', 0)] }
}
