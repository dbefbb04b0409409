/** What the attacks on verification share: a broker's verifier, a platform's keys, and a good token to spoil. */
import assert from 'node:assert/strict'
import { Failure } from '../../packages/broker/src/base/failure.ts'
import type { FetchDocument } from '../../packages/broker/src/verify/fetch-document.ts'
import type { Issuer } from '../../packages/broker/src/verify/issuer.ts'
import { openOidcIssuer } from '../../packages/broker/src/verify/issuers/oidc.ts'
import type { PresetName } from '../../packages/broker/src/verify/preset-names.ts'
import { issuerSettings } from '../../packages/broker/src/verify/settings.ts'
import { openSubjectVerifier, type SubjectVerifier } from '../../packages/broker/src/verify/subject.ts'
import { type FakeTools, fakeTools } from '../fakes/clock.ts'
import { ours, platformClaims } from '../fakes/platform-claims.ts'
import { newSigningKey, type SigningKey, signToken } from '../fakes/signing-key.ts'

export type Changes = Readonly<Record<string, unknown>>

export const githubUrl = 'https://token.actions.githubusercontent.com'

/** One RSA key for all tests of a file: making one takes long. */
export const rsaKey = newSigningKey('rsa-1')

/** Claims in GitHub's format, 2026. */
export function githubClaims(changes: Changes = {}): Record<string, unknown> {
  return { ...platformClaims['github-actions'], ...changes }
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

/** A platform whose keys the configuration has. `change` makes a token of changed claims. */
export function platformScene(preset: PresetName, settings: Changes = {}, name: string = preset): Scene {
  const tools = fakeTools()
  const claims = platformClaims[preset]
  const full = { preset, issuer: claims.iss, jwks: { keys: [rsaKey.jwk] }, ...settings }
  return {
    tools,
    verifier: openSubjectVerifier([issuerWith(full, tools, { name })], { url: ours }),
    token: (changes, header) => signToken(rsaKey, { ...claims, ...changes }, header),
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
