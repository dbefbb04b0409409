/** `POST /token`: RFC 8693 token exchange and the RFC 7523 grant. One exchange behind both. */
import { Failure } from '../base/failure.ts'
import { Secret } from '../base/secret.ts'
import type { ExchangeAnswer, ExchangeRequest } from '../exchange.ts'
import { type Answer, type Asked, noStore } from './answer.ts'
import type { Doors } from './doors.ts'
import { refuse } from './errors.ts'
import { type Form, readForm } from './form.ts'
import { recorded } from './recorded.ts'

export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

const tokenType = (name: string) => `urn:ietf:params:oauth:token-type:${name}`

/** TX-10, TX-11: clients declare a CI token as either; what it is, the verifier finds out. */
const subjectTypes: ReadonlySet<string> = new Set([tokenType('id_token'), tokenType('jwt')])
const answerTypes: ReadonlySet<string> = new Set([tokenType('access_token'), tokenType('jwt')])

/** RFC 8693 2.1 and RFC 8707 2: only these may be repeated. */
const repeatable: ReadonlySet<string> = new Set(['audience', 'resource'])

/**
 * Google's auth library sends this scope when its user set none. It asks for nothing of ours, and RFC 6749 3.3 lets
 * us ignore a scope as long as the answer names those that were granted. It counts only when it stands alone.
 */
const googleDefaultScope = 'https://www.googleapis.com/auth/cloud-platform'

type Parts = Pick<Doors, 'exchange' | 'record' | 'undelivered' | 'tools'>

/** Answers a token request; every refusal comes back as an answer too. */
export async function answerToken(asked: Asked, parts: Parts): Promise<Answer> {
  const { tools } = parts
  let assertion = false
  try {
    const form = readForm(asked, repeatable)
    refuseClientAuthentication(asked, form)
    const grantType = form.get('grant_type')
    assertion = grantType === jwtBearer
    const answer = await parts.exchange(requestOf(grantType, form))
    const dropped = () => parts.undelivered(answer.leaseId)
    return { ...success(answer, tools.now()), dropped }
  } catch (thrown) {
    return refuse(await recorded(thrown, 'token', parts), tools, { assertion })
  }
}

function requestOf(grantType: string | undefined, form: Form): ExchangeRequest {
  if (grantType === tokenExchange) return exchangeRequest(form)
  if (grantType === jwtBearer) {
    const subjectToken = new Secret(required(form, 'assertion'))
    return { subjectToken, via: 'jwt-bearer', ...wanted(form) }
  }
  if (grantType === undefined) throw malformed('grant_type is missing.')
  throw new Failure('grant_type_unsupported')
}

/** What a token exchange asks for (RFC 8693 2.1). Throws `request_malformed`, `target_refused`. */
export function exchangeRequest(form: Form): ExchangeRequest {
  const subjectToken = new Secret(required(form, 'subject_token'))
  if (!subjectTypes.has(required(form, 'subject_token_type'))) {
    throw malformed('subject_token_type must be that of an id_token or a jwt.')
  }
  const actorToken = actorIn(form)
  const answerType = form.get('requested_token_type')
  if (answerType !== undefined && !answerTypes.has(answerType)) {
    throw malformed('requested_token_type must be that of an access_token or a jwt.')
  }
  return {
    subjectToken,
    ...(actorToken === undefined ? {} : { actorToken }),
    via: 'token-exchange',
    ...wanted(form),
  }
}

/** RFC 8693 2.1: the type is there if and only if the token is. */
function actorIn(form: Form): Secret | undefined {
  const [token, type] = [form.get('actor_token'), form.get('actor_token_type')]
  if (token === undefined && type === undefined) return undefined
  if (token === undefined || type === undefined)
    throw malformed('actor_token and actor_token_type go together.')
  if (!subjectTypes.has(type)) throw malformed('actor_token_type must be that of an id_token or a jwt.')
  return new Secret(token)
}

/**
 * The job's own token is the authentication (TX-9). Credentials of a client that we could not check are refused
 * rather than ignored, so that nobody believes they protect anything (RFC 6749 5.2, `invalid_client`).
 */
export function refuseClientAuthentication(asked: Asked, form: Form): void {
  const sent =
    asked.headers.authorization !== undefined ||
    form.get('client_secret') !== undefined ||
    form.get('client_assertion') !== undefined
  if (sent) {
    throw new Failure('client_rejected', {
      detail: 'Clients are not authenticated here: send the request without client credentials.',
    })
  }
}

type Wanted = Pick<ExchangeRequest, 'target' | 'resource' | 'scopes'>

/** TX-6: one target per token. RFC 8693 2.1.1 lets us refuse a combination as `invalid_target`. */
function wanted(form: Form): Wanted {
  const audiences = form.all('audience')
  const resources = form.all('resource')
  const names = new Set([...audiences, ...resources])
  const [name] = names
  if (name === undefined) throw malformed('Name the target: audience or resource is missing.')
  if (names.size > 1) throw new Failure('target_refused', { detail: 'Ask for one target at a time.' })
  if (resources.length > 0 && !isResource(name)) {
    throw new Failure('target_refused', {
      detail: 'A resource is an absolute URI without a fragment; a target is named by audience.',
    })
  }
  const scopes = readScope(form.get('scope'))
  return {
    ...(resources.length > 0 ? { resource: name } : { target: name }),
    ...(scopes === undefined ? {} : { scopes }),
  }
}

/** RFC 8707 2. */
function isResource(text: string): boolean {
  return (
    text.length <= 2048 &&
    /^[a-z][a-z0-9+.-]*:[\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+$/i.test(text)
  )
}

/** RFC 6749 3.3: tokens of %x21 / %x23-5B / %x5D-7E with one space between; a set, so repeats fall together. */
function readScope(text: string | undefined): readonly string[] | undefined {
  if (text === undefined || text === googleDefaultScope) return undefined
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(text)) {
    throw malformed('scope must be words with one space between them.')
  }
  return [...new Set(text.split(' '))]
}

function required(form: Form, name: string): string {
  const value = form.get(name)
  if (value === undefined) throw malformed(`${name} is missing.`)
  return value
}

function malformed(detail: string): Failure {
  return new Failure('request_malformed', { detail })
}

/** RFC 8693 2.2.1, with our own members beside. */
function success(answer: ExchangeAnswer, nowMs: number): Answer {
  const { credential, leaseToken, scopes, expiresAt } = answer
  // A credential of several parts has no one string: what stands for it is the token of its lease.
  const main = credential.parts === undefined ? credential.token : (leaseToken ?? credential.token)
  const body: Record<string, unknown> = {
    access_token: main.reveal(),
    issued_token_type: credential.issuedTokenType,
    token_type: credential.tokenType,
    expires_in: Math.max(0, expiresAt - Math.floor(nowMs / 1000)),
  }
  if (scopes.length > 0) body['scope'] = scopes.join(' ')
  body['lease_id'] = answer.leaseId
  body['target_kind'] = answer.kind
  body['grants'] = answer.grants
  body['expires_at'] = expiresAt
  if (credential.parts !== undefined) body['credential'] = revealed(credential.parts)
  else if (leaseToken !== undefined) body['lease_token'] = leaseToken.reveal()
  return { status: 200, headers: noStore, body: JSON.stringify(body) }
}

function revealed(parts: Readonly<Record<string, Secret | string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [name, typeof part === 'string' ? part : part.reveal()]),
  )
}
