/** The contract of a target (`issue/target.ts`): each kind calls this from its own tests. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { canonicalJson, type Json } from '../../packages/broker/src/base/canonical-json.ts'
import { Secret } from '../../packages/broker/src/base/secret.ts'
import type { Credential, Grant } from '../../packages/broker/src/domain.ts'
import type { Handle, Issued, Target } from '../../packages/broker/src/issue/target.ts'

export interface TargetUnderTest {
  readonly open: () => Promise<Target>
  /** A grant that the target can serve; each call another lease. */
  readonly grant: () => Grant
  /** When the credential itself stops working, seconds since 1970; absent where only its lease ends it. */
  readonly endsAt?: (credential: Credential) => number | undefined
  /** Whether the credential works at its place. Only for targets with `revoke`. */
  readonly works?: (credential: Credential) => Promise<boolean>
  /** A credential that nobody makes: every lease hands over the same one, for as long as it is valid. */
  readonly same?: true
  /** Taking back needs what only `issue` tells: before, nobody can say that there is nothing to take back. */
  readonly learns?: true
}

/** The handle as it comes from the store: JSON, and nothing of this process. */
function kept(issued: Issued, prepared: Handle): Handle {
  return JSON.parse(canonicalJson(issued.handle?.() ?? prepared)) as Json
}

/** Registers the tests that every target passes. */
export function testTarget(name: string, under: TargetUnderTest): void {
  testPrepare(name, under)
  testIssue(name, under)
  testRevoke(name, under)
}

function testPrepare(name: string, under: TargetUnderTest): void {
  test(`${name}: the handle is known before anything is made, and always the same`, async () => {
    const target = await under.open()
    const grant = under.grant()
    const before = canonicalJson(grant as unknown as Json)
    const handles = [target.prepare(grant), target.prepare(grant), (await under.open()).prepare(grant)]
    assert.equal(new Set(handles.map(canonicalJson)).size, 1)
    assert.deepEqual(JSON.parse(canonicalJson(handles[0] ?? null)), handles[0])
    assert.equal(canonicalJson(grant as unknown as Json), before, 'the grant was changed')
    await target.close?.()
  })

  test(`${name}: a target that makes things elsewhere can take them back by their handle`, async () => {
    const target = await under.open()
    if (target.revoke !== undefined)
      assert.notEqual(
        canonicalJson(target.prepare(under.grant())),
        canonicalJson(target.prepare(under.grant())),
      )
    if (target.local) assert.equal(target.revoke, undefined)
    // What lives on after the lease has to be said, and only then.
    if (target.revoke !== undefined || under.same === true)
      assert.equal(target.outlives === undefined, target.revoke !== undefined)
    await target.close?.()
  })
}

/** What `reveal` gives, for looking whether it shows anywhere else. */
function secretsOf(credential: Credential): string[] {
  const parts = Object.values(credential.parts ?? {}).filter((part) => part instanceof Secret)
  // One of the parts may be the credential's main secret.
  return [...new Set([credential.token, ...parts].map((secret) => secret.reveal()))]
}

function testIssue(name: string, under: TargetUnderTest): void {
  test(`${name}: what is secret shows nowhere but in a Secret`, async () => {
    const target = await under.open()
    const grant = under.grant()
    const handle = target.prepare(grant)
    const credential = await target.issue(grant, handle)
    const shown = [
      inspect(credential, { depth: 9, showHidden: true }),
      JSON.stringify(credential),
      canonicalJson(handle),
    ]
    for (const secret of secretsOf(credential)) {
      assert.ok(secret.length > 0)
      for (const text of shown) assert.ok(!text.includes(secret))
    }
    await target.revoke?.(kept(credential, handle))
    assert.ok(['Bearer', 'N_A'].includes(credential.tokenType))
    assert.match(credential.issuedTokenType, /^urn:/)
    await target.close?.()
  })

  test(`${name}: no two leases share a credential, and none outlives its grant`, async () => {
    const target = await under.open()
    const grants = Array.from({ length: 8 }, () => under.grant())
    const credentials = await Promise.all(grants.map((grant) => target.issue(grant, target.prepare(grant))))
    if (under.same !== true)
      assert.equal(new Set(credentials.flatMap(secretsOf)).size, credentials.flatMap(secretsOf).length)
    for (const [i, credential] of credentials.entries()) {
      const ends = under.endsAt?.(credential)
      if (ends !== undefined) assert.ok(ends <= (grants[i]?.expiresAt ?? 0), `${ends} is too late`)
    }
    for (const [i, grant] of grants.entries()) {
      const credential = credentials[i]
      if (credential !== undefined) await target.revoke?.(kept(credential, target.prepare(grant)))
    }
    await target.close?.()
  })
}

function testRevoke(name: string, under: TargetUnderTest): void {
  test(`${name}: taking back works twice, at once, and when nothing was ever made`, async () => {
    const target = await under.open()
    if (target.revoke === undefined) return await target.close?.()
    const grant = under.grant()
    const prepared = JSON.parse(canonicalJson(target.prepare(grant))) as Json
    if (under.learns === true) await assert.rejects(target.revoke(prepared), { code: 'provider_unavailable' })
    else await target.revoke(prepared)
    const credential = await target.issue(grant, prepared)
    const handle = kept(credential, prepared)
    if (under.works !== undefined) assert.ok(await under.works(credential))
    await Promise.all([target.revoke(handle), target.revoke(handle)])
    await target.revoke(handle)
    if (under.works !== undefined) assert.ok(!(await under.works(credential)))
    await target.close?.()
  })

  test(`${name}: another process with the same configuration can take it back`, async () => {
    const [maker, other] = [await under.open(), await under.open()]
    const grant = under.grant()
    const handle = maker.prepare(grant)
    const credential = await maker.issue(grant, handle)
    await other.revoke?.(kept(credential, handle))
    if (under.works !== undefined) assert.ok(!(await under.works(credential)))
    await Promise.all([maker.close?.(), other.close?.()])
  })
}
