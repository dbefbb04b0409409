import { brokerUrl } from './endpoint.ts'
import { isObject, jsonObject } from './json.ts'
import { refusalOf, unexpectedAnswer } from './refusal.ts'
import { formMessage, type Sending, send } from './send.ts'
import { tokenFaults } from './token-faults.ts'

/** What is asked for. Name the target, or the resource that it stands for. */
export interface ExchangeRequest extends Sending {
  /** The broker, `https://mayfly.example.com`. */
  readonly url: string
  /** Called before every try: a subject token can be used once. */
  readonly subjectToken: () => Promise<string>
  /** The target's name in the policy (RFC 8693 2.1 `audience`). */
  readonly target?: string
  /** The target's audience, an absolute URI (RFC 8693 2.1, RFC 8707). */
  readonly resource?: string
  /** Space-separated, RFC 6749 3.3. */
  readonly scope?: string
}

/** What was handed over. `accessToken` and `parts` are secrets. */
export interface Credential {
  readonly accessToken: string
  /** RFC 8693 3: a URN. */
  readonly issuedTokenType: string
  /** `Bearer`, or `N_A` when it is not an access token (RFC 8693 2.2.1). */
  readonly tokenType: string
  /** Seconds from now. */
  readonly expiresIn: number
  /** Seconds since 1970, where the broker said so. */
  readonly expiresAt: number | undefined
  readonly scope: string | undefined
  readonly leaseId: string
  /** Introspects and ends the lease, whatever the credential is: `accessToken` itself, or a token beside it. */
  readonly leaseToken: string
  /** A credential of several parts, such as a user and a password; `accessToken` is then the token of its lease. */
  readonly parts: Readonly<Record<string, string>> | undefined
  /** The kind of the target, `postgres_role`; older brokers do not say it. */
  readonly kind?: string
  /** Names of the policy's grants that gave it; empty where the broker does not say. */
  readonly grants?: readonly string[]
}

/**
 * Exchanges a platform's identity token for a credential (RFC 8693).
 * Throws `MayflyRefused`, `MayflyUnreachable`, a TypeError for a URL that may not be used, whatever `subjectToken`
 * throws, and the signal's reason. After a lost answer the credential of the lost one lives until its job ends or it
 * expires.
 */
export async function exchange(request: ExchangeRequest): Promise<Credential> {
  if (request.target === undefined && request.resource === undefined) {
    throw new TypeError('Name a target or a resource.')
  }
  const secrets: string[] = []
  const compose = async () => {
    const subjectToken = await request.subjectToken()
    secrets.push(subjectToken)
    return formMessage({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: subjectToken,
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      audience: request.target,
      resource: request.resource,
      scope: request.scope,
    })
  }
  const answer = await send(new URL(`${brokerUrl(request.url)}/token`), compose, request)
  if (answer.status !== 200) {
    const advise = () => tokenFaults(secrets.at(-1) ?? '', brokerUrl(request.url), answer.at)
    throw refusalOf(answer, secrets, advise)
  }
  const credential = credentialOf(jsonObject(answer.text))
  if (credential === undefined) throw unexpectedAnswer(answer.status)
  return credential
}

function credentialOf(members: Readonly<Record<string, unknown>> | undefined): Credential | undefined {
  if (members === undefined) return undefined
  const accessToken = text(members['access_token'])
  const leaseId = text(members['lease_id'])
  const expiresIn = seconds(members['expires_in'])
  if (accessToken === undefined || leaseId === undefined || expiresIn === undefined) return undefined
  return {
    accessToken,
    leaseId,
    leaseToken: text(members['lease_token']) ?? accessToken,
    expiresIn,
    expiresAt: seconds(members['expires_at']),
    issuedTokenType: text(members['issued_token_type']) ?? '',
    tokenType: text(members['token_type']) ?? '',
    scope: text(members['scope']),
    parts: partsOf(members['credential']),
    ...kindOf(members['target_kind']),
    ...grantsOf(members['grants']),
  }
}

function kindOf(value: unknown): { readonly kind?: string } {
  const kind = text(value)
  return kind === undefined ? {} : { kind }
}

function grantsOf(value: unknown): { readonly grants?: readonly string[] } {
  const names = Array.isArray(value) ? value.filter((name) => typeof name === 'string') : []
  return names.length === 0 ? {} : { grants: names }
}

function partsOf(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isObject(value)) return undefined
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name,
      typeof part === 'string' ? part : JSON.stringify(part),
    ]),
  )
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Whole seconds, at most those of the year 9999, so that every date made of them exists. */
function seconds(value: unknown): number | undefined {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < 253_402_300_800
    ? Number(value)
    : undefined
}
