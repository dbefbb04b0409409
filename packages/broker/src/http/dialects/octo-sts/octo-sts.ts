/**
 * octo-sts: `GET|POST /sts/exchange` as octo-sts and its action speak it: an identity in a scope is asked for with a
 * token of the platform, and the answer is a token of a GitHub App. It only translates: the exchange does the rest.
 */
import type { Json } from '../../../base/canonical-json.ts'
import { Failure, failureRow } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import type { ExchangeRequest, Given } from '../../../exchange.ts'
import { type Answer, type Asked, noStore } from '../../answer.ts'
import { readAuthorization } from '../../authorization.ts'
import type { OctoStsDoor } from '../../doors.ts'
import { refusalOf, sentenceOf } from '../../errors.ts'
import { parseForm } from '../../form.ts'
import { behind, type DialectParts } from '../behind.ts'
import { readJson, refuseBodyOfGet, textOf } from '../json-body.ts'

const via = 'octo-sts'

/** Answers both forms of the exchange; every refusal comes back as an answer too. */
export function answerOctoSts(asked: Asked, parts: DialectParts): Promise<Answer> {
  return behind({ door: 'octoSts', via, refuse: refuseOctoSts }, parts, async (door) => {
    const { credential, leaseId, expiresAt } = await parts.exchange(requestOf(asked, door))
    const body = {
      token: credential.token.reveal(),
      refresh_token: '',
      expiry: new Date(expiresAt * 1000).toISOString(),
    }
    return {
      ...{ status: 200, headers: noStore, body: JSON.stringify(body) },
      dropped: () => parts.undelivered(leaseId),
    }
  })
}

/** As a gRPC service behind a JSON gateway says no: the action prints `message` and nothing else. */
export function refuseOctoSts(thrown: unknown, tools: Tools): Answer {
  const refusal = refusalOf(thrown, tools)
  const { bearer: status, grpc: code } = failureRow(refusal.failure.code)
  const body = JSON.stringify({ code, message: sentenceOf(refusal), details: [] })
  const headers =
    status === 401 ? [...refusal.headers, 'WWW-Authenticate', 'Bearer realm="mayfly"'] : refusal.headers
  return { status, headers, body }
}

function requestOf(asked: Asked, door: OctoStsDoor): ExchangeRequest {
  const { scope, identity } = wanted(asked)
  const bearer = readAuthorization(asked.headers.authorization)
  if (bearer?.scheme !== 'Bearer')
    throw new Failure('client_rejected', { detail: "Send the platform's token as Authorization: Bearer." })
  return {
    subjectToken: new Secret(bearer.token),
    via,
    target: door.target(scope.toLowerCase(), identity),
    audience: door.audience,
    misfit: (given) => misfitOf(given, scope.toLowerCase()),
  }
}

interface Wanted {
  /** `owner` or `owner/repo`. */
  readonly scope: string
  readonly identity: string
}

/** The action sends `scope` and `scopes` with one value; what names two scopes asks for two things. */
function wanted(asked: Asked): Wanted {
  const { scopes, identity } = asked.body.length > 0 ? fromBody(asked) : fromQuery(asked)
  const [scope, ...others] = new Set(scopes)
  if (scope === undefined) throw malformed('scope is missing.')
  if (others.length > 0) throw malformed('Ask for one scope at a time.')
  if (identity === undefined) throw malformed('identity is missing.')
  // https://docs.github.com: names of owners and of repositories.
  if (!/^[a-z0-9-]{1,39}(\/[\w.-]{1,100})?$/i.test(scope))
    throw malformed('scope must be OWNER or OWNER/REPO.')
  if (!/^[\w.-]{1,128}$/.test(identity)) throw malformed('identity must be letters, digits, dots, - and _.')
  return { scope, identity }
}

function fromQuery(asked: Asked): { scopes: readonly string[]; identity: string | undefined } {
  refuseBodyOfGet(asked)
  const query = parseForm(asked.query)
  refuseNarrowing(query.get('cap'))
  const scopes = [query.get('scope'), query.get('scopes')].filter((each) => each !== undefined)
  return { scopes, identity: query.get('identity') }
}

function fromBody(asked: Asked): { scopes: readonly string[]; identity: string | undefined } {
  if (asked.query !== '') throw malformed('Ask in the query or in the body, not in both.')
  const body = readJson(asked)
  const { cap, scopes = [] } = body
  refuseNarrowing(Array.isArray(cap) && cap.length === 0 ? undefined : cap)
  if (!isTexts(scopes)) throw malformed('scopes must be a list of texts.')
  const scope = textOf(body, 'scope')
  return { scopes: scope === undefined ? scopes : [scope, ...scopes], identity: textOf(body, 'identity') }
}

function isTexts(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

/** Ignored, it would give more than was asked for. */
function refuseNarrowing(cap: Json | undefined): void {
  if (cap !== undefined && cap !== null && cap !== '')
    throw malformed('cap is not supported: what a token may do is said by its target.')
}

/** A token for other repositories than the scope would be no use to whoever asked, and no surprise to want. */
function misfitOf({ kind, settings }: Given, scope: string): string | undefined {
  if (kind !== 'github_app') return `a target of kind ${kind} gives no token of a GitHub App`
  const repos = typeof settings === 'object' && settings !== null && 'repos' in settings ? settings.repos : []
  const names = Array.isArray(repos) ? repos.map((each: unknown) => String(each).toLowerCase()) : []
  const within = scope.includes('/')
    ? names.includes(scope)
    : names.length > 0 && names.every((name) => name.startsWith(`${scope}/`))
  return within ? undefined : `the target is not for the scope ${scope}`
}

function malformed(detail: string): Failure {
  return new Failure('request_malformed', { detail })
}
