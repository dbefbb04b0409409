/** The `token` target: RFC 9068 access tokens signed by us, for APIs and for our own proxy. */
import { Failure } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'
import type { Claims, Grant } from '../../../domain.ts'
import type { Signer } from '../../key-ring.ts'
import type { Target } from '../../target.ts'
import { actOf } from './act.ts'
import { plain } from './plain.ts'
import { type TokenTargetSettings, tokenTargetSettings } from './settings.ts'
import { digitsOf, textOf, workloadSubject } from './subject.ts'

export interface TokenTargetParts {
  /** Our issuer, exactly as the metadata says it (RFC 8414 2). */
  readonly url: string
  /** The key that signs now. */
  readonly signer: () => Signer
  /** Names of the configured issuers whose tokens are GitHub's. */
  readonly githubIssuers: readonly string[]
  /** Keys are published for as long as this, now: nothing that lives longer is issued. */
  readonly maxTokenSeconds: number
}

/** RFC 8693 3. */
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

/** Opens the target. It holds no secret and has nothing to take back: a token ends with its lease, or by `exp`. */
export function openTokenTarget(parts: TokenTargetParts): Target {
  const github: ReadonlySet<string> = new Set(parts.githubIssuers)
  const heads = new Map<string, string>()
  const headOf = (signer: Signer): string => {
    const known = heads.get(signer.kid)
    if (known !== undefined) return known
    const head = encode({ alg: signer.algorithm, typ: 'at+jwt', kid: signer.kid })
    heads.set(signer.kid, head)
    return head
  }
  return {
    kind: 'token',
    local: true,
    prepare: () => null,
    async issue(grant) {
      const seconds = grant.expiresAt - grant.issuedAt
      if (!(seconds > 0 && seconds <= parts.maxTokenSeconds))
        throw new Failure('target_refused', { reason: `a token cannot live for ${seconds} seconds` })
      const signer = parts.signer()
      const input = `${headOf(signer)}.${encode(tokenClaims(parts.url, grant, github))}`
      return {
        token: new Secret(`${input}.${signer.sign(input).toString('base64url')}`),
        issuedTokenType: accessToken,
        tokenType: 'Bearer',
      }
    },
  }
}

/** RFC 9068 2.2, and the claims that name the job. `undefined` members are left out by JSON. */
function tokenClaims(url: string, grant: Grant, github: ReadonlySet<string>) {
  // A claim of this name from another issuer may mean anything, and may be its user's own words.
  const claims = github.has(grant.principal.issuer) ? grant.principal.claims : {}
  const subject = workloadSubject(grant.principal, github)
  return {
    iss: url,
    sub: subject,
    aud: settingsOf(grant).audience,
    exp: grant.expiresAt,
    iat: grant.issuedAt,
    jti: grant.leaseId,
    // A workload is its own client (RFC 9068 2.2: `sub` identifies the client when no user is involved).
    client_id: grant.acting === undefined ? subject : workloadSubject(grant.acting, github),
    act: actOf(grant, github),
    scope: grant.scopes.length === 0 ? undefined : grant.scopes.join(' '),
    repository_id: digitsOf(claims, 'repository_id'),
    run_id: digitsOf(claims, 'run_id'),
    check_run_id: digitsOf(claims, 'check_run_id'),
    environment: environmentOf(claims),
  }
}

function environmentOf(claims: Claims): string | undefined {
  const name = textOf(claims, 'environment')
  return name === undefined ? undefined : plain(name, 100)
}

/** Settings come from the policy and stay the same object until the next one: read them once. */
const read = new WeakMap<object, TokenTargetSettings>()

function settingsOf(grant: Grant): TokenTargetSettings {
  const { settings } = grant
  const known = typeof settings === 'object' && settings !== null ? read.get(settings) : undefined
  if (known !== undefined) return known
  const parsed = tokenTargetSettings.safeParse(settings)
  if (!parsed.success)
    throw new Failure('internal', { reason: `the settings of ${grant.target} are not those of a token` })
  if (typeof settings === 'object' && settings !== null) read.set(settings, parsed.data)
  return parsed.data
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
