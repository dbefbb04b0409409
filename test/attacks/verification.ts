/** What the attacks on verification share: a broker's verifier, a platform's keys, and a good token to spoil. */
import assert from 'node:assert/strict'
import { Failure } from '../../packages/broker/src/base/failure.ts'
import type { FetchDocument } from '../../packages/broker/src/verify/fetch-document.ts'
import type { Issuer } from '../../packages/broker/src/verify/issuer.ts'
import { openOidcIssuer } from '../../packages/broker/src/verify/issuers/oidc.ts'
import { issuerSettings } from '../../packages/broker/src/verify/settings.ts'
import { openSubjectVerifier, type SubjectVerifier } from '../../packages/broker/src/verify/subject.ts'
import { type FakeTools, fakeTools } from '../fakes/clock.ts'
import { newSigningKey, type SigningKey, signToken } from '../fakes/signing-key.ts'

export type Changes = Readonly<Record<string, unknown>>

export const ours = 'https://mayfly.example'
export const githubUrl = 'https://token.actions.githubusercontent.com'

/** One RSA key for all tests of a file: making one takes long. */
export const rsaKey = newSigningKey('rsa-1')

/** Seconds, as the fake clock starts. */
export const start = 1_790_000_000

/** Claims in GitHub's format, 2026; names and ids are invented. */
export function githubClaims(changes: Changes = {}): Record<string, unknown> {
  return {
    iss: githubUrl,
    sub: 'repo:acme/shop:ref:refs/heads/main',
    aud: ours,
    jti: '5d0cf1be-2f0a-4f63-9f0e-0d6c3a7a1a01',
    iat: start,
    nbf: start - 300,
    exp: start + 300,
    actor: 'dana',
    actor_id: '4100',
    base_ref: '',
    check_run_id: '72000000001',
    event_name: 'push',
    head_ref: '',
    job_workflow_ref: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
    job_workflow_sha: 'a'.repeat(40),
    ref: 'refs/heads/main',
    ref_protected: 'true',
    ref_type: 'branch',
    repository: 'acme/shop',
    repository_id: '9001',
    repository_owner: 'acme',
    repository_owner_id: '801',
    repository_visibility: 'private',
    run_attempt: '1',
    run_id: '24700000001',
    run_number: '3',
    runner_environment: 'github-hosted',
    sha: 'a'.repeat(40),
    workflow: 'Deploy \u{1f680}',
    workflow_ref: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
    workflow_sha: 'a'.repeat(40),
    ...changes,
  }
}

/** A verifier that believes one issuer, whose keys it has. */
export interface Scene {
  readonly verifier: SubjectVerifier
  readonly tools: FakeTools
  /** A token of the right key. */
  token(claims?: Changes, header?: Changes): string
}

/** GitHub, with its keys in the configuration. */
export function githubScene(keys: readonly SigningKey[] = [rsaKey]): Scene {
  const tools = fakeTools()
  const issuer = issuerWith({ preset: 'github-actions', jwks: { keys: keys.map((key) => key.jwk) } }, tools)
  return {
    tools,
    verifier: openSubjectVerifier([issuer], { url: ours }),
    token: (claims, header) => signToken(keys[0] ?? rsaKey, githubClaims(claims), header),
  }
}

/** An issuer with settings as they stand in `mayfly.yaml`. */
export function issuerWith(
  settings: Changes,
  tools: FakeTools,
  { name = 'ci', fetch = noNetwork }: { readonly name?: string; readonly fetch?: FetchDocument } = {},
): Issuer {
  return openOidcIssuer({ name, settings: issuerSettings.parse(settings), audience: ours, tools, fetch })
}

/** Verification of what has its keys, or is nobody's token, never reaches for the network. */
export const noNetwork: FetchDocument = (url) => assert.fail(`the network was used: ${url}`)

/** The token is refused as one, for that reason, and the reason quotes nothing of it. */
export async function refuses(verifier: SubjectVerifier, token: string, reason: RegExp): Promise<void> {
  await assert.rejects(verifier.verify(token), (thrown) => {
    assert.ok(thrown instanceof Failure, String(thrown))
    assert.equal(thrown.code, 'subject_token_invalid')
    assert.match(thrown.reason, reason)
    assert.equal(thrown.detail, undefined)
    for (const piece of token.split('.')) {
      if (piece.length > 20) assert.ok(!thrown.reason.includes(piece.slice(0, 20)))
    }
    return true
  })
}
