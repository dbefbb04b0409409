/** Real subject tokens by the thousand: RS256 with a key made at start, claims as a GitHub job has them. */
import { createSign, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'

export interface TokenMaker {
  readonly jwk: Record<string, unknown>
  make(count: number): string[]
}

export const kid = 'bench-1'

/** `issuer` is the `iss`, `audience` the broker's URL. Each token has its own `jti` and its own job. */
export function openTokenMaker(issuer: string, audience: string): TokenMaker {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const head = Buffer.from(JSON.stringify({ alg: 'RS256', kid, typ: 'JWT' })).toString('base64url')
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' },
    make: (count) => Array.from({ length: count }, () => sign(privateKey, head, claims(issuer, audience))),
  }
}

function sign(key: KeyObject, head: string, payload: Record<string, unknown>): string {
  const input = `${head}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}`
  return `${input}.${createSign('sha256').update(input).sign(key, 'base64url')}`
}

let run = 0

function claims(issuer: string, audience: string): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000)
  const sha = 'a6c5fce977dda2c7d53a29c1ef1744c31bf6d1b4'
  const file = 'acme/shop/.github/workflows/deploy.yml@refs/heads/main'
  run++
  return {
    actor: 'octocat',
    actor_id: '583231',
    aud: audience,
    base_ref: '',
    check_run_id: String(70_000_000_000 + run),
    environment: 'production',
    event_name: 'push',
    exp: now + 600,
    head_ref: '',
    iat: now,
    iss: issuer,
    job_workflow_ref: file,
    job_workflow_sha: sha,
    jti: randomUUID(),
    nbf: now - 300,
    ref: 'refs/heads/main',
    ref_protected: 'true',
    ref_type: 'branch',
    repository: 'acme/shop',
    repository_id: '40211',
    repository_owner: 'acme',
    repository_owner_id: '9919',
    repository_visibility: 'private',
    run_attempt: '1',
    run_id: String(24_000_000_000 + run),
    run_number: '3',
    runner_environment: 'github-hosted',
    sha,
    sub: 'repo:acme/shop:environment:production',
    workflow: 'deploy',
    workflow_ref: file,
    workflow_sha: sha,
  }
}

/** The form that the token endpoint takes. */
export function exchangeForm(token: string, target: string, extra: Record<string, string> = {}): Buffer {
  return Buffer.from(
    new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      audience: target,
      ...extra,
    }).toString(),
  )
}
